// Package sts is the Security Token Service of the local account: it says who
// the caller is. It issues no credentials.
package sts

import (
	"context"

	"tunebench/backend/localaws/wire"
)

type identity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// Register adds GetCallerIdentity. Every other operation is denied by the Mux.
func Register(m *wire.Mux) {
	m.Handle(wire.STS, "GetCallerIdentity", func(context.Context, *wire.Request) (any, error) {
		return identity{Arn: wire.UserARN, UserID: wire.UserID, Account: wire.AccountID}, nil
	})
}
