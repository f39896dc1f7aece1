// Package iam writes IAM policy documents, ready to paste. It asks IAM nothing.
//
// What belongs here: the form of a document and what all of them have in common.
// Which permissions something needs belongs to whoever needs them.
package iam

import "strings"

// Policy is a policy document.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid       string `json:",omitempty"`
	Effect    string
	Principal map[string]string            `json:",omitempty"`
	Action    []string                     `json:",omitempty"`
	Resource  []string                     `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

// Role is the documents around a role that a service takes on.
type Role struct {
	// Trust lets the service assume the role.
	Trust Policy `json:"trust"`
	// Permissions are what the role may do.
	Permissions Policy `json:"permissions"`
	// Caller is what a user needs to give the role to the service.
	Caller Policy `json:"caller"`
}

// New makes a policy of statements.
func New(s ...Statement) Policy { return Policy{Version: "2012-10-17", Statement: s} }

// Allow allows actions on resources.
func Allow(resources []string, actions ...string) Statement {
	return Statement{Effect: "Allow", Action: actions, Resource: resources}
}

// Trust lets a service such as "bedrock.amazonaws.com" assume a role, under
// conditions.
func Trust(service string, conditions map[string]map[string]string) Statement {
	return Statement{Effect: "Allow", Principal: map[string]string{"Service": service}, Action: []string{"sts:AssumeRole"}, Condition: conditions}
}

// PassRole allows giving a role to a service.
func PassRole(role, service string) Statement {
	s := Allow([]string{role}, "iam:PassRole")
	s.Condition = map[string]map[string]string{"StringEquals": {"iam:PassedToService": service}}
	return s
}

// Place is where ARNs lie.
type Place struct{ Account, Region string }

// Partition is the second part of ARNs in the region.
func (p Place) Partition() string {
	switch {
	case strings.HasPrefix(p.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(p.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// ARN names a resource of a service there.
func (p Place) ARN(service, resource string) string {
	return "arn:" + p.Partition() + ":" + service + ":" + p.Region + ":" + p.Account + ":" + resource
}

// Role names a role of the account.
func (p Place) Role(name string) string {
	return "arn:" + p.Partition() + ":iam::" + p.Account + ":role/" + name
}

// Bucket names a bucket; with "/*" behind it, its objects.
func (p Place) Bucket(name string) string { return "arn:" + p.Partition() + ":s3:::" + name }
