//! What the fuzz targets of the wire formats do with their bytes.
//! Shared with the ordinary tests, which replay `fuzz/seeds` on stable.

use std::sync::LazyLock;

use yagura_aws::Api;
use yagura_aws::protocol::{AnswerError, decode};

static API: LazyLock<Api> = LazyLock::new(|| {
    let table = include_bytes!("../../content/aws-api/services.zst");
    Api::open(table).unwrap_or_else(|error| panic!("{error}"))
});

/// An answer in XML: the first byte chooses the operation, the second the status.
pub fn xml_answer(data: &[u8]) {
    answer(
        &[
            ("s3", "ListBuckets"),
            ("s3", "GetBucketAcl"),
            ("s3", "GetBucketLocation"),
            ("iam", "GetAccountAuthorizationDetails"),
            ("iam", "GetAccountSummary"),
            ("ec2", "DescribeInstances"),
            ("cloudfront", "ListDistributions"),
            ("sns", "GetTopicAttributes"),
        ],
        data,
    );
}

/// An answer in JSON: the first byte chooses the operation, the second the status.
pub fn json_answer(data: &[u8]) {
    answer(
        &[
            ("dynamodb", "GetItem"),
            ("kms", "DescribeKey"),
            ("lambda", "ListFunctions"),
            ("cloudtrail", "LookupEvents"),
            ("sqs", "GetQueueAttributes"),
            ("apigateway", "GetRestApis"),
        ],
        data,
    );
}

/// A table of the API: opening it and a service of it.
pub fn table_open(data: &[u8]) {
    // The table lives as long as the program; a fuzzer's few megabytes are left behind.
    let table: &'static [u8] = Box::leak(data.to_vec().into_boxed_slice());
    if let Ok(api) = Api::open(table) {
        for name in api.services() {
            let _ = api.service(name);
        }
    }
}

/// INVARIANT: whatever comes, the answer is an output that fits the model, or an error.
fn answer(operations: &[(&str, &str)], data: &[u8]) {
    let [operation, status, body @ ..] = data else { return };
    let (service, operation) = operations[usize::from(*operation) % operations.len()];
    let status = [200, 400, 403, 500][usize::from(*status) % 4];
    let service = API.service(service).unwrap_or_else(|error| panic!("{error}"));
    let operation = service.operation(operation).unwrap_or_else(|error| panic!("{error}"));
    match decode(&service, operation, status, &http::HeaderMap::new(), body) {
        Ok(output) => {
            assert_eq!(status, 200, "an error became an output");
            if let Err(problems) = operation.check_output(&output) {
                panic!("{problems:?}");
            }
        }
        Err(AnswerError::Service(error)) => assert_eq!(error.status, status),
        Err(_) => {}
    }
}
