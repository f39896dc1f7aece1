package sagemaker

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/localaws/internal/toy"
)

func TestModels(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir, toy.Base(t))
	ctx := context.Background()
	create := func(name string, c *types.ContainerDefinition) error {
		_, err := w.client.CreateModel(ctx, &sdk.CreateModelInput{ModelName: &name, PrimaryContainer: c, ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/x")})
		return err
	}
	if err := create("packed", &types.ContainerDefinition{Image: aws.String("image"), ModelDataUrl: aws.String("s3://work/model.tar.gz")}); err != nil {
		t.Fatal(err)
	}
	if err := create("plain", &types.ContainerDefinition{Image: aws.String("image"), ModelDataSource: &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
		S3Uri: aws.String("s3://work/model/"), S3DataType: types.S3ModelDataTypeS3Prefix, CompressionType: types.ModelCompressionTypeNone}}}); err != nil {
		t.Fatal(err)
	}
	wantError(t, create("plain", &types.ContainerDefinition{Image: aws.String("image")}), "ValidationException", "already existing model")
	wantError(t, create("none", nil), "ValidationException", "PrimaryContainer")

	got, err := w.client.DescribeModel(ctx, &sdk.DescribeModelInput{ModelName: aws.String("plain")})
	if err != nil || aws.ToString(got.PrimaryContainer.ModelDataSource.S3DataSource.S3Uri) != "s3://work/model/" {
		t.Fatalf("%+v, %v", got, err)
	}
	list, err := w.client.ListModels(ctx, &sdk.ListModelsInput{SortBy: types.ModelSortKeyName, SortOrder: types.OrderKeyAscending})
	if err != nil || len(list.Models) != 2 || *list.Models[0].ModelName != "packed" {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := w.client.DeleteModel(ctx, &sdk.DeleteModelInput{ModelName: aws.String("plain")}); err != nil {
		t.Fatal(err)
	}
	_, err = w.client.DescribeModel(ctx, &sdk.DescribeModelInput{ModelName: aws.String("plain")})
	wantError(t, err, "ValidationException", "Could not find model")
	if _, err := w.client.DescribeModel(ctx, &sdk.DescribeModelInput{ModelName: aws.String("packed")}); err != nil {
		t.Fatal(err)
	}
}
