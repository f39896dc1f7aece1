package training

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
)

const (
	// checkTime bounds what a plan asks the account for.
	checkTime = 5 * time.Second
	// checkedFor is how long an answer that may change is kept.
	checkedFor = time.Minute
)

// roleForm is the ARN of a role; its account is in the first group.
var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/\S+$`)

// Unchecked is something that could not be found out before the start, and how
// to look it up.
type Unchecked struct {
	What string `json:"what"`
	How  string `json:"how"`
}

// bucketAnswer is where a bucket is, or what S3 says of it.
type bucketAnswer struct {
	region string
	err    error
	asked  time.Time
}

// checks keeps what the account has answered.
type checks struct {
	mu      sync.Mutex
	buckets map[string]bucketAnswer
	account string
}

// checkAccount asks the account what may keep a plan's job from running: where
// its buckets are and whose its role is. Nothing is changed or started.
func (s *Service) checkAccount(ctx context.Context, p *Plan) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	s.checkBuckets(ctx, p)
	if !s.c.Bills {
		return
	}
	s.checkRole(ctx, p)
	kind := "training"
	if p.Options.Spot {
		kind = "spot training"
	}
	quota := fmt.Sprintf("%s for %s job usage", p.Instance, kind)
	p.Unchecked = append(p.Unchecked, Unchecked{
		What: fmt.Sprintf("whether the quota %q is at least %d; of types with GPUs it is often 0 until more is asked for", quota, p.InstanceCount),
		How:  fmt.Sprintf("aws service-quotas list-service-quotas --service-code sagemaker --region %s --query \"Quotas[?QuotaName=='%s'].Value\"", s.c.Region, quota),
	})
}

// checkBuckets holds the region of each bucket that the job reads or writes
// against its own.
func (s *Service) checkBuckets(ctx context.Context, p *Plan) {
	if s.c.S3 == nil {
		return
	}
	use := map[string]string{}
	for _, u := range [][2]string{{p.Options.Wheels, "the packages"}, {p.Options.BaseWeights, "the base weights"}, {p.Checkpoints, "the checkpoints"}, {p.Output, "data and artifacts"}} {
		if bucket, _, _ := strings.Cut(strings.TrimPrefix(u[0], "s3://"), "/"); bucket != "" {
			use[bucket] = u[1]
		}
	}
	for _, bucket := range slices.Sorted(maps.Keys(use)) {
		a := s.bucket(ctx, bucket)
		name := safetext.Line(bucket)
		switch {
		case awserror.KindOf(a.err) == awserror.NotFound:
			p.Warnings = append(p.Warnings, fmt.Sprintf("there is no bucket %s for %s; make it with: aws s3 mb s3://%s --region %s", name, use[bucket], name, s.c.Region))
		case a.region != "" && a.region != s.c.Region:
			p.Warnings = append(p.Warnings, fmt.Sprintf("the bucket %s for %s is in %s, the job would run in %s, and SageMaker refuses that; take a bucket in %s", name, use[bucket], safetext.Line(a.region), s.c.Region, s.c.Region))
		case a.err != nil:
			p.Unchecked = append(p.Unchecked, Unchecked{What: fmt.Sprintf("whether the bucket %s is in %s: %v", name, s.c.Region, awserror.Explain(a.err)),
				How: "aws s3api get-bucket-location --bucket " + name})
		}
	}
}

// bucket asks where a bucket is. A bucket does not move; other answers hold for
// a while.
func (s *Service) bucket(ctx context.Context, name string) bucketAnswer {
	s.checks.mu.Lock()
	a, ok := s.checks.buckets[name]
	s.checks.mu.Unlock()
	if ok && (a.region != "" || s.c.Now().Sub(a.asked) < checkedFor) {
		return a
	}
	a = bucketAnswer{asked: s.c.Now()}
	out, err := s.c.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err == nil {
		a.region = aws.ToString(out.BucketRegion)
	} else if ctx.Err() != nil {
		return bucketAnswer{err: errors.New("S3 did not answer in time")} // ask again
	}
	a.err = err
	// A bucket elsewhere is an error that tells where.
	if resp := new(awshttp.ResponseError); errors.As(err, &resp) && resp.Response != nil {
		a.region = resp.Response.Header.Get("X-Amz-Bucket-Region")
	}
	s.checks.mu.Lock()
	defer s.checks.mu.Unlock()
	if s.checks.buckets == nil {
		s.checks.buckets = map[string]bucketAnswer{}
	}
	s.checks.buckets[name] = a
	return a
}

// checkRole checks the role as far as that is possible without asking IAM, which
// most users may not.
func (s *Service) checkRole(ctx context.Context, p *Plan) {
	if p.RoleARN == "" {
		return // said already
	}
	role := safetext.Line(p.RoleARN)
	m := roleForm.FindStringSubmatch(p.RoleARN)
	if m == nil {
		p.Warnings = append(p.Warnings, role+" is no role's ARN; write account.training_role as arn:aws:iam::ACCOUNT:role/NAME")
		return
	}
	if mine := s.account(ctx); mine != "" && mine != m[1] {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the role %s belongs to the account %s, and the job would run in %s; SageMaker takes only roles of its own account", role, m[1], mine))
		return
	}
	p.Unchecked = append(p.Unchecked, Unchecked{
		What: "whether SageMaker may assume the role " + role + ", and whether you may pass it; the start says so if not",
		How:  "tunebench train role (the policies that it needs, ready to paste)",
	})
}

// account is the number of the account; "" when it is not known.
func (s *Service) account(ctx context.Context) string {
	s.checks.mu.Lock()
	known := s.checks.account
	s.checks.mu.Unlock()
	if known != "" || s.c.AccountID == nil {
		return known
	}
	id, err := s.c.AccountID(ctx)
	if err != nil {
		return "" // whatever the plan needs of the account says so itself
	}
	s.checks.mu.Lock()
	defer s.checks.mu.Unlock()
	s.checks.account = id
	return id
}
