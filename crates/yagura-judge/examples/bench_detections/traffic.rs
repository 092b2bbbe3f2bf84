//! Ordinary CloudTrail records of an invented organization, and synthetic rules in the proportions
//! of public ones. The same ones in every run; what is measured over them is in `main.rs`.

use std::fmt::Write as _;

/// Calls by how often they come, per thousand: what accounts do all day is read and written data,
/// describing, and roles being assumed.
const CALLS: [(&str, &str, bool, usize); 24] = [
    ("s3", "GetObject", true, 240),
    ("s3", "PutObject", false, 80),
    ("s3", "ListObjects", true, 40),
    ("s3", "HeadObject", true, 40),
    ("kms", "Decrypt", true, 150),
    ("kms", "GenerateDataKey", true, 50),
    ("sts", "AssumeRole", true, 110),
    ("sts", "GetCallerIdentity", true, 30),
    ("ec2", "DescribeInstances", true, 60),
    ("ec2", "DescribeNetworkInterfaces", true, 30),
    ("ec2", "DescribeVolumes", true, 20),
    ("logs", "CreateLogStream", false, 30),
    ("logs", "DescribeLogGroups", true, 15),
    ("ssm", "GetParameters", true, 20),
    ("ssm", "UpdateInstanceInformation", false, 20),
    ("secretsmanager", "GetSecretValue", true, 15),
    ("lambda", "ListFunctions20150331", true, 10),
    ("dynamodb", "DescribeTable", true, 10),
    ("ecr", "BatchGetImage", true, 10),
    ("autoscaling", "DescribeAutoScalingGroups", true, 8),
    ("elasticloadbalancing", "DescribeTargetHealth", true, 6),
    ("iam", "GetRole", true, 4),
    ("iam", "ListAttachedRolePolicies", true, 1),
    ("ec2", "AuthorizeSecurityGroupIngress", false, 1),
];

/// A small generator of numbers: the same ones in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn call(&mut self) -> (&'static str, &'static str, bool) {
        let mut at = self.below(1_000);
        for (service, call, read, share) in CALLS {
            if at < share {
                return (service, call, read);
            }
            at -= share;
        }
        ("s3", "GetObject", true)
    }
}

/// A record of about 1.6 kB.
pub(crate) fn record(dice: &mut Dice, number: usize) -> String {
    let (service, call, read) = dice.call();
    let person = dice.below(300);
    // A role belongs to one account, and works in a few sessions.
    let account = 111_122_223_000 + person % 40;
    let seconds = 1_795_219_200 + number / 50;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let day = 1 + seconds / 86_400 % 28;
    let error = if dice.below(50) == 0 { r#""errorCode":"NoSuchKey","# } else { "" };
    let category = if service == "s3" { "Data" } else { "Management" };
    let octet = person % 250;
    let session = dice.below(3);
    format!(
        concat!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","#,
            r#""principalId":"AROAEXAMPLEEXAMPLE{person:04}:session-{session}","#,
            r#""arn":"arn:aws:sts::{account}:assumed-role/service-{person}/session-{session}","#,
            r#""accountId":"{account}","accessKeyId":"ASIAEXAMPLE{person:09}","#,
            r#""sessionContext":{{"sessionIssuer":{{"type":"Role","#,
            r#""principalId":"AROAEXAMPLEEXAMPLE{person:04}","#,
            r#""arn":"arn:aws:iam::{account}:role/service-{person}","accountId":"{account}","#,
            r#""userName":"service-{person}"}},"attributes":{{"#,
            r#""creationDate":"2026-11-21T10:00:00Z","#,
            r#""mfaAuthenticated":"false"}}}}}},"#,
            r#""eventTime":"2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}Z","#,
            r#""eventSource":"{service}.amazonaws.com","eventName":"{call}","#,
            r#""awsRegion":"ap-northeast-1","sourceIPAddress":"198.51.100.{octet}","#,
            r#""userAgent":"[aws-cli/2.17.3 md/awscrt#0.20.11 ua/2.0 os/linux#6.1"#,
            r#" md/arch#x86_64 lang/python#3.11.8]",{error}"#,
            r#""requestParameters":{{"bucketName":"example-data-{octet}","#,
            r#""Host":"example-data.s3.ap-northeast-1.amazonaws.com","#,
            r#""key":"year=2026/month=11/part-{number:06}.parquet"}},"responseElements":null,"#,
            r#""additionalEventData":{{"SignatureVersion":"SigV4","#,
            r#""CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"#,
            r#""AuthenticationMethod":"AuthHeader","#,
            r#""x-amz-id-2":"Zm9vYmFyYmF6cXV1eGZvb2JhcmJhenF1dXhmb29iYXJiYXpxdXV4{number}=","#,
            r#""bytesTransferredOut":{number}}},"requestID":"REQ{number:013}","#,
            r#""eventID":"0f1e2d3c-4b5a-6978-8796-{number:012}","readOnly":{read},"resources":[{{"#,
            r#""type":"AWS::S3::Object","#,
            r#""ARN":"arn:aws:s3:::example-data/year=2026/part-{number}.parquet"}},{{"#,
            r#""accountId":"{account}","type":"AWS::S3::Bucket","#,
            r#""ARN":"arn:aws:s3:::example-data"}}],"eventType":"AwsApiCall","#,
            r#""managementEvent":{management},"recipientAccountId":"{account}","#,
            r#""eventCategory":"{category}","#,
            r#""tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
            r#""clientProvidedHostHeader":"{service}.ap-northeast-1.amazonaws.com"}}}}"#,
        ),
        account = account,
        call = call,
        category = category,
        day = day,
        error = error,
        hour = hour,
        management = service != "s3",
        minute = minute,
        number = number,
        octet = octet,
        person = person,
        read = read,
        second = second,
        service = service,
        session = session,
    )
}

/// Services and words that names of API calls are made of.
const SERVICES: [&str; 12] =
    ["iam", "ec2", "s3", "kms", "sts", "lambda", "rds", "ecs", "eks", "logs", "config", "glue"];
/// What attacks do is rare: ordinary traffic has none of these.
const VERBS: [&str; 8] =
    ["Delete", "Attach", "Detach", "Modify", "Disable", "Stop", "Terminate", "Revoke"];
const NOUNS: [&str; 12] = [
    "User", "Role", "Policy", "Key", "Bucket", "Instance", "Function", "Cluster", "Rule", "Trail",
    "Snapshot", "Group",
];

/// Rules in the proportions of public ones: most name a service and a few calls.
pub(crate) fn rules(count: usize) -> String {
    let mut dice = Dice::new(7);
    let mut text = String::new();
    for at in 0..count {
        let of = |dice: &mut Dice, list: &[&'static str]| {
            list.get(dice.below(list.len())).copied().unwrap_or_default()
        };
        let service = of(&mut dice, &SERVICES);
        let verb = of(&mut dice, &VERBS);
        let version = if at % 2 == 0 { "" } else { "V2" };
        let call = format!("{verb}{}{version}", of(&mut dice, &NOUNS));
        let detection = match at % 20 {
            0..14 => format!(
                "s: {{eventSource: {service}.amazonaws.com, eventName: [{call}, {call}Tags]}}\n  \
                 f: {{errorCode: '*'}}\n  condition: s and not f"
            ),
            14..16 => format!(
                "s: {{eventSource: {service}.amazonaws.com, eventName|startswith: {verb}}}\n  \
                 f: {{userIdentity.invokedBy|endswith: .amazonaws.com}}\n  condition: s and not f"
            ),
            16 => format!(
                "s: {{eventName: {call}, requestParameters|contains: ['secret-{at}', \
                 '0.0.0.0/{at}']}}\n  condition: s"
            ),
            17 => format!("s: {{userAgent|contains: 'tool-{at}/'}}\n  condition: s"),
            18 => format!(
                "s: {{eventName: {call}, userIdentity.arn|re: 'user/x{at}[0-9]+$'}}\n  \
                 condition: s"
            ),
            _ => format!(
                "s: {{eventName: {call}, sourceIPAddress|cidr: 10.{}.0.0/16}}\n  condition: s",
                at % 256
            ),
        };
        let _ = writeln!(
            text,
            "title: r{at}\nname: r{at}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  {detection}\n---"
        );
    }
    text
}
