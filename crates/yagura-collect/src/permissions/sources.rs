//! The least that AWS must allow the reading of logs: one statement per place, as narrow as the
//! place allows. What a scan needs is in the parent module.

use serde_json::{Value, json};

use super::document;

/// A place that logs are read from, or written to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogPlace {
    /// What lies below a prefix of a bucket (empty: everything) is listed and read.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// A queue is consumed; the buckets it announces are places of their own.
    Queue {
        /// The queue's ARN.
        arn: String,
    },
    /// Log groups are polled.
    LogGroups {
        /// Twelve digits.
        account: String,
        /// The region.
        region: String,
        /// What the names begin with; empty: all.
        prefix: String,
    },
    /// CloudTrail's memory of ninety days is asked.
    LookupEvents,
    /// CloudTrail's files are verified with keys from AWS.
    TrailKeys,
    /// The lake lies below a prefix of a bucket, and is written there.
    Lake {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// Objects or messages of one of the places are encrypted with a key of the customer's.
    Key {
        /// The key's ARN.
        arn: String,
        /// Whether something is written with it, too.
        writes: bool,
    },
}

/// The policy for these places; none where there are none.
pub fn log_policy(partition: &str, places: &[LogPlace]) -> Option<Value> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places.dedup();
    let statements: Vec<Value> =
        places.iter().flat_map(|place| statements(partition, place)).collect();
    // IAM wants every statement's id once.
    let numbered = statements.into_iter().enumerate().map(|(n, mut statement)| {
        if let Some(sid) = statement.get("Sid").and_then(Value::as_str) {
            let sid = format!("{sid}{}", n + 1);
            if let Some(members) = statement.as_object_mut() {
                members.insert("Sid".to_owned(), sid.into());
            }
        }
        statement
    });
    let numbered: Vec<Value> = numbered.collect();
    (!numbered.is_empty()).then(|| document(&numbered))
}

fn statements(partition: &str, place: &LogPlace) -> Vec<Value> {
    match place {
        LogPlace::Bucket { bucket, prefix } => {
            let mut statements = list(partition, "ListLogs", bucket, prefix);
            let actions = ["s3:GetObject", "s3:GetObjectVersion"];
            statements.push(objects(partition, "ReadLogs", bucket, prefix, &actions));
            statements
        }
        LogPlace::Lake { bucket, prefix } => {
            let prefix = format!("{}/", prefix.trim_end_matches('/'));
            let prefix = prefix.trim_start_matches('/');
            let mut statements = list(partition, "ListLake", bucket, prefix);
            let actions =
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
            statements.push(objects(partition, "WriteLake", bucket, prefix, &actions));
            statements
        }
        LogPlace::Queue { arn } => vec![statement(
            "Consume",
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            &json!(arn),
        )],
        LogPlace::LogGroups { account, region, prefix } => {
            let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:");
            vec![
                statement("ListGroups", &["logs:DescribeLogGroups"], &json!(format!("{arn}*"))),
                statement(
                    "ReadGroups",
                    &["logs:FilterLogEvents"],
                    &json!(format!("{arn}{prefix}*")),
                ),
            ]
        }
        // Neither action knows resources (Service Authorization Reference, CloudTrail).
        LogPlace::LookupEvents => {
            vec![statement("EventHistory", &["cloudtrail:LookupEvents"], &json!("*"))]
        }
        LogPlace::TrailKeys => {
            vec![statement("TrailKeys", &["cloudtrail:ListPublicKeys"], &json!("*"))]
        }
        LogPlace::Key { arn, writes } => {
            let actions: &[&str] = match writes {
                true => &["kms:Decrypt", "kms:GenerateDataKey"],
                false => &["kms:Decrypt"],
            };
            vec![statement("Key", actions, &json!(arn))]
        }
    }
}

fn statement(sid: &str, actions: &[&str], resource: &Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource})
}

/// Listing is allowed for keys that begin with the prefix, and for nothing else.
fn list(partition: &str, sid: &str, bucket: &str, prefix: &str) -> Vec<Value> {
    let resource = json!(format!("arn:{partition}:s3:::{bucket}"));
    let mut statement = statement(sid, &["s3:ListBucket"], &resource);
    if !prefix.is_empty()
        && let Some(members) = statement.as_object_mut()
    {
        let condition = json!({"StringLike": {"s3:prefix": format!("{prefix}*")}});
        members.insert("Condition".to_owned(), condition);
    }
    vec![statement]
}

fn objects(partition: &str, sid: &str, bucket: &str, prefix: &str, actions: &[&str]) -> Value {
    let resource = json!(format!("arn:{partition}:s3:::{bucket}/{prefix}*"));
    statement(sid, actions, &resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_allowed_and_nothing_beside_it() {
        let bucket = || LogPlace::Bucket { bucket: "logs".into(), prefix: "AWSLogs/".into() };
        let lake = LogPlace::Lake { bucket: "lake".into(), prefix: "v1".into() };
        let policy = log_policy("aws", &[lake, bucket(), bucket()]).unwrap();
        assert_eq!(
            policy["Statement"],
            json!([
                {"Sid": "ListLogs1", "Effect": "Allow", "Action": ["s3:ListBucket"],
                 "Resource": "arn:aws:s3:::logs",
                 "Condition": {"StringLike": {"s3:prefix": "AWSLogs/*"}}},
                {"Sid": "ReadLogs2", "Effect": "Allow",
                 "Action": ["s3:GetObject", "s3:GetObjectVersion"],
                 "Resource": "arn:aws:s3:::logs/AWSLogs/*"},
                {"Sid": "ListLake3", "Effect": "Allow", "Action": ["s3:ListBucket"],
                 "Resource": "arn:aws:s3:::lake",
                 "Condition": {"StringLike": {"s3:prefix": "v1/*"}}},
                {"Sid": "WriteLake4", "Effect": "Allow",
                 "Action": ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject",
                            "s3:PutObject"],
                 "Resource": "arn:aws:s3:::lake/v1/*"},
            ])
        );
    }

    #[test]
    fn a_whole_bucket_needs_no_condition_and_no_place_no_policy() {
        let whole = LogPlace::Bucket { bucket: "b".into(), prefix: String::new() };
        let policy = log_policy("aws-cn", &[whole]).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws-cn:s3:::b");
        assert!(policy["Statement"][0].get("Condition").is_none());
        assert_eq!(policy["Statement"][1]["Resource"], "arn:aws-cn:s3:::b/*");
        assert_eq!(log_policy("aws", &[]), None);
    }
}
