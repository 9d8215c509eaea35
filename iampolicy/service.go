// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "slices"

// rcpServices are the services that resource control policies apply to, by
// action prefix, as of 2026-03 (AWS Organizations User Guide, "List of AWS
// services that support RCPs"), sorted.
var rcpServices = [...]string{
	"aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory", "cloudfront",
	"cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline", "cognito-identity",
	"cognito-idp", "comprehend", "comprehendmedical", "compute-optimizer", "cost-optimization-hub", "dax", "dsql",
	"dynamodb", "ecr", "ecr-public", "events", "firehose", "fis", "fms", "gamelift", "health", "inspector-scan",
	"kendra", "kinesisvideo", "kms", "logs", "memorydb", "networkmonitor", "notifications", "opensearch",
	"pca-connector-ad", "personalize", "polly", "pricing", "resource-groups", "rolesanywhere", "s3", "secretsmanager",
	"servicediscovery", "signin", "sqs", "sts", "support", "swf", "textract", "timestream-influxdb", "transcribe",
	"transfer", "translate", "wafv2", "workspaces", "xray",
}

// supportsRCP reports whether resource control policies apply to a service,
// named by its action prefix in any case.
func supportsRCP(service string) bool {
	_, found := slices.BinarySearchFunc(rcpServices[:], service, compareFold)
	return found
}
