//! CloudTrail records that each bring something that was never seen before: a person, an address,
//! a program, a bucket, a session. The same ones in every run; what they do to memory is in
//! `main.rs`.

use jiff::{SignedDuration, Timestamp};

/// When the stream begins.
const BEGIN: &str = "2026-08-01T00:00:00Z";
/// How long a billion events take: three months, 130 a second.
const SPAN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What happens, in turns: the service, the call, an error, what is asked for.
const CALLS: [(&str, &str, &str, &str); 16] = [
    ("s3", "GetObject", "", r#""bucketName":"bucket-{n}","key":"{n}""#),
    ("signin", "ConsoleLogin", "Failed authentication", ""),
    ("s3", "GetObject", "AccessDenied", r#""bucketName":"bucket-{n}","key":"{n}""#),
    ("sts", "AssumeRole", "", r#""roleArn":"arn:aws:iam::{account}:role/role-{n}""#),
    ("kms", "Decrypt", "", r#""keyId":"key-{n}""#),
    ("ec2", "DescribeInstances", "Client.UnauthorizedOperation", ""),
    ("secretsmanager", "GetSecretValue", "", r#""secretId":"secret-{n}""#),
    ("iam", "ListUsers", "AccessDenied", ""),
    ("s3", "PutObject", "", r#""bucketName":"bucket-{n}","key":"{n}""#),
    ("ec2", "RunInstances", "", r#""instanceType":"m7i.large""#),
    ("iam", "CreateAccessKey", "", r#""userName":"user-{n}""#),
    ("s3", "DeleteObject", "", r#""bucketName":"bucket-{n}","key":"{n}""#),
    (
        "iam",
        "AttachUserPolicy",
        "",
        r#""userName":"user-{n}","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess""#,
    ),
    ("ssm", "StartSession", "", r#""target":"i-{n}""#),
    ("lambda", "Invoke", "", r#""functionName":"function-{n}""#),
    (
        "rds",
        "ModifyDBSnapshotAttribute",
        "",
        r#""dBSnapshotIdentifier":"snapshot-{n}","attributeName":"restore","valuesToAdd":["all"]"#,
    ),
];

/// Records with times from the beginning to the end of three months.
pub(crate) struct Stream {
    begin: Timestamp,
    events: u64,
    number: u64,
}

impl Stream {
    pub(crate) fn new(events: u64) -> Self {
        Self { begin: BEGIN.parse().unwrap_or(Timestamp::UNIX_EPOCH), events, number: 0 }
    }

    /// When the last event happens.
    pub(crate) fn end(&self) -> Timestamp {
        self.begin.checked_add(SPAN).unwrap_or(Timestamp::MAX)
    }

    /// The next record.
    pub(crate) fn next_record(&mut self) -> String {
        let n = self.number;
        self.number += 1;
        let seconds = u128::from(n) * SPAN.as_secs().unsigned_abs() as u128;
        let seconds = i64::try_from(seconds / u128::from(self.events.max(1))).unwrap_or(i64::MAX);
        let time = self.begin.checked_add(SignedDuration::from_secs(seconds));
        let time = time.unwrap_or(Timestamp::MAX);
        let turn = usize::try_from(n % 16).unwrap_or_default();
        let (service, call, error, asked) = CALLS.get(turn).copied().unwrap_or(CALLS[0]);
        let account = 111_122_220_000 + n / 8 % 400;
        let asked = asked.replace("{n}", &n.to_string()).replace("{account}", &account.to_string());
        let error = match error {
            "" => String::new(),
            "Failed authentication" => {
                let said = r#""errorMessage":"Failed authentication","#;
                format!(r#"{said}"responseElements":{{"ConsoleLogin":"Failure"}},"#)
            }
            code => format!(r#""errorCode":"{code}","#),
        };
        // Eight records are of one person, four from one address: some learn, most are new.
        let (person, place) = (n / 8, n / 4);
        let address = format!(
            "{}.{}.{}.{}",
            11 + place / 16_777_216 % 80,
            place / 65_536 % 256,
            place / 256 % 256,
            place % 256
        );
        format!(
            concat!(
                r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","#,
                r#""principalId":"AIDA{person:016}","#,
                r#""arn":"arn:aws:iam::{account}:user/user-{person}","accountId":"{account}","#,
                r#""accessKeyId":"AKIA{person:016}","userName":"user-{person}"}},"#,
                r#""eventTime":"{time}","eventSource":"{service}.amazonaws.com","#,
                r#""eventName":"{call}","#,
                r#""awsRegion":"ap-northeast-1","sourceIPAddress":"{address}","#,
                r#""userAgent":"program/{person}",{error}"requestParameters":{{{asked}}},"#,
                r#""requestID":"{n}","eventID":"0f1e2d3c-4b5a-6978-8796-{n:012}","#,
                r#""readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"#,
                r#""recipientAccountId":"{account}","eventCategory":"Management"}}"#,
            ),
            person = person,
            account = account,
            time = time,
            service = service,
            call = call,
            address = address,
            error = error,
            asked = asked,
            n = n,
        )
    }
}
