package account

import (
	"context"

	"tunebench/backend/localaws"
)

// openLocalAWS opens the real local account.
func openLocalAWS(ctx context.Context, o localOptions) (localAccount, error) {
	return localaws.Open(ctx, localaws.Options{Dir: o.dir, AccessKey: o.key.AccessKeyID, SecretKey: o.key.SecretAccessKey, Logger: o.logger})
}
