package account

import (
	"context"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"tunebench/backend/account/awserror"
)

// setup marks requests with which the local account is set up.
type setup struct{}

// readOnly refuses the requests that change something, and those of which that is
// not known, before anything of them is sent.
func readOnly(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("tunebench read-only",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			service, name := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
			o, known := operation(service, name)
			if (!known || o.Changes) && ctx.Value(setup{}) == nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, &awserror.ReadOnlyError{Service: service, Operation: name}
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
}
