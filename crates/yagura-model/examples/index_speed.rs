//! Measures the JSON index on records like CloudTrail's: `cargo run --release -p yagura-model
//! --example index_speed`. Prints megabytes per second and core beside `serde_json`'s on the same
//! text. The lake's own benchmark is `cargo xtask bench lake`.

use std::sync::Arc;
use std::time::Instant;

use yagura_model::event::{BatchBuilder, Origin, PathTrie, TrieStep};

const RECORDS: usize = 40_000;

fn main() {
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    let megabytes = records.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let mut trie = PathTrie::default();
    for path in ["eventTime", "eventName", "userIdentity.arn", "userIdentity.accessKeyId"] {
        trie.add(path.split('.').map(TrieStep::Member));
    }
    let mut out = String::new();
    for _ in 0..3 {
        let index = timed(megabytes, || index(&records));
        let visit = {
            let mut builder = BatchBuilder::new(Arc::default());
            for record in &records {
                let _ = builder.push_json(record.as_bytes());
            }
            let batch = builder.finish();
            timed(megabytes, || {
                let mut found = 0;
                for record in &batch {
                    trie.visit(record.root(), &mut |_, _| found += 1);
                }
                found
            })
        };
        let serde = timed(megabytes, || {
            records
                .iter()
                .filter(|record| serde_json::from_str::<serde_json::Value>(record).is_ok())
                .count()
        });
        out.push_str(&format!(
            "index {index:.0} MB/s · walk with four paths {visit:.0} MB/s · serde_json values \
             {serde:.0} MB/s\n"
        ));
    }
    let _ = std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes());
}

fn index(records: &[String]) -> usize {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    let mut count = 0;
    for record in records {
        count += usize::from(builder.push_json(record.as_bytes()).is_ok());
        if builder.bytes_used() > 4 << 20 {
            let _ = builder.finish();
        }
    }
    count
}

fn timed(megabytes: f64, run: impl FnOnce() -> usize) -> f64 {
    let begin = Instant::now();
    assert_ne!(run(), 0);
    megabytes / begin.elapsed().as_secs_f64()
}

fn record(number: usize) -> String {
    format!(
        concat!(
            r#"{{"eventVersion":"1.10","userIdentity":{{"type":"AssumedRole","#,
            r#""principalId":"AROAEXAMPLEEXAMPLE{number:04}:deploy-session","#,
            r#""arn":"arn:aws:sts::111122223333:assumed-role/deploy/session-{number}","#,
            r#""accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{number:09}","#,
            r#""sessionContext":{{"sessionIssuer":{{"type":"Role","#,
            r#""principalId":"AROAEXAMPLEEXAMPLE{number:04}","#,
            r#""arn":"arn:aws:iam::111122223333:role/deploy","accountId":"111122223333","#,
            r#""userName":"deploy"}},"attributes":{{"creationDate":"2026-11-21T10:00:00Z","#,
            r#""mfaAuthenticated":"false"}}}}}},"eventTime":"2026-11-21T10:{:02}:{:02}Z","#,
            r#""eventSource":"s3.amazonaws.com","eventName":"GetObject","#,
            r#""awsRegion":"ap-northeast-1","sourceIPAddress":"198.51.100.{}","#,
            r#""userAgent":"[aws-cli/2.17.3 md/awscrt#0.20.11 ua/2.0 os/linux#6.1"#,
            r#" md/arch#x86_64 lang/python#3.11.8]","#,
            r#""requestParameters":{{"bucketName":"example-data-{}","#,
            r#""Host":"example-data.s3.ap-northeast-1.amazonaws.com","#,
            r#""key":"year=2026/month=11/part-{number:06}.parquet"}},"responseElements":null,"#,
            r#""additionalEventData":{{"SignatureVersion":"SigV4","#,
            r#""CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"#,
            r#""AuthenticationMethod":"AuthHeader","#,
            r#""x-amz-id-2":"Zm9vYmFyYmF6cXV1eGZvb2JhcmJhenF1dXhmb29iYXJiYXpxdXV4{number}=","#,
            r#""bytesTransferredOut":{number}}},"requestID":"REQ{number:013}","#,
            r#""eventID":"0f1e2d3c-4b5a-6978-8796-{number:012}","readOnly":true,"resources":[{{"#,
            r#""type":"AWS::S3::Object","#,
            r#""ARN":"arn:aws:s3:::example-data/year=2026/part-{number}.parquet"}},{{"#,
            r#""accountId":"111122223333","type":"AWS::S3::Bucket","#,
            r#""ARN":"arn:aws:s3:::example-data"}}],"eventType":"AwsApiCall","#,
            r#""managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data""#,
            r#","#,
            r#""tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
            r#""clientProvidedHostHeader":"example-data.s3.ap-northeast-1.amazonaws.com"}}}}"#,
        ),
        number / 60 % 60,
        number % 60,
        number % 250,
        number % 7,
        number = number,
    )
}
