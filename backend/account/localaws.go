package account

import (
	"context"
	"errors"
)

func openLocalAWS(ctx context.Context, o localOptions) (localAccount, error) {
	return nil, errors.New("the local account is not linked yet")
}
