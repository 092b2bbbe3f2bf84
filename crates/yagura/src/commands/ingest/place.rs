//! Where logs are said to be on the command line: folders, files, buckets, queues, log groups,
//! addresses to listen on, standard input.
//! What reads them is in `yagura-collect`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::lake_place::bucket_and_prefix;

/// One place of logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder or file.
    Path(PathBuf),
    /// Objects of a bucket below a prefix.
    Bucket { bucket: String, prefix: String },
    /// A queue of notifications or of events, by URL or ARN.
    Queue(String),
    /// A log group of CloudWatch Logs, by name or ARN.
    LogGroup(String),
    /// CloudTrail's own memory of the last 90 days.
    LookupEvents,
    /// An address on which to take logs over HTTP.
    Http(SocketAddr),
    /// An address on which to take syslog.
    Syslog { address: SocketAddr, transport: Transport },
    /// Standard input.
    Stdin,
}

/// How syslog arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl Place {
    /// Reads a place as it is typed.
    ///
    /// # Errors
    /// A text for a person, where it looks like a place but is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if text == "lookup-events" {
            return Ok(Self::LookupEvents);
        }
        if let Some(name) = text.strip_prefix("logs:") {
            let name = name.trim_start_matches("//");
            let named = !name.is_empty();
            return named.then(|| Self::LogGroup(name.to_owned())).ok_or_else(|| of(text));
        }
        if text.starts_with("arn:") && text.split(':').nth(2) == Some("sqs") {
            return Ok(Self::Queue(text.to_owned()));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            let given = !text.is_empty();
            return given.then(|| Self::Path(PathBuf::from(text))).ok_or_else(|| of(text));
        };
        let address = || rest.trim_end_matches('/').parse::<SocketAddr>().map_err(|_| of(text));
        match scheme {
            "s3" => bucket_and_prefix(text)
                .map(|(bucket, prefix)| Self::Bucket { bucket, prefix })
                .ok_or_else(|| of(text)),
            "sqs" if !rest.is_empty() => Ok(Self::Queue(format!("https://{rest}"))),
            "https" if rest.contains("sqs") || rest.contains("queue") => {
                Ok(Self::Queue(text.to_owned()))
            }
            "http" => match address() {
                Ok(address) => Ok(Self::Http(address)),
                // A queue of a local test server.
                Err(_) if rest.contains('/') => Ok(Self::Queue(text.to_owned())),
                Err(error) => Err(error),
            },
            "syslog" | "syslog+tcp" => {
                Ok(Self::Syslog { address: address()?, transport: Transport::Tcp })
            }
            "syslog+udp" => Ok(Self::Syslog { address: address()?, transport: Transport::Udp }),
            _ => Err(of(text)),
        }
    }

    /// Whether it never ends: somebody sends when they like.
    pub(crate) fn listens(&self) -> bool {
        matches!(self, Self::Http(_) | Self::Syslog { .. })
    }

    /// Whether AWS is asked.
    pub(crate) fn needs_aws(&self) -> bool {
        matches!(
            self,
            Self::Bucket { .. } | Self::Queue(_) | Self::LogGroup(_) | Self::LookupEvents
        )
    }
}

fn of(text: &str) -> String {
    format!(
        "`{text}` is no place of logs: a path, s3://bucket/prefix, sqs://host/account/queue, \
         logs:GROUP, lookup-events, http://ADDRESS:PORT, syslog+tcp://ADDRESS:PORT, \
         syslog+udp://ADDRESS:PORT or - for standard input"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Place) {
        assert_eq!(Place::parse(text), Ok(expected), "{text}");
    }

    #[test]
    fn places_are_told_apart_by_how_they_begin() {
        check("-", Place::Stdin);
        check("logs", Place::Path("logs".into()));
        check("./lookup-events", Place::Path("./lookup-events".into()));
        check("lookup-events", Place::LookupEvents);
        let bucket = |prefix: &str| Place::Bucket { bucket: "b".into(), prefix: prefix.into() };
        check("s3://b", bucket(""));
        check("s3://b/AWSLogs/", bucket("AWSLogs"));
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/logs";
        check(url, Place::Queue(url.into()));
        check(&url.replace("https", "sqs"), Place::Queue(url.into()));
        let local = "http://127.0.0.1:5000/123456789012/logs";
        check(local, Place::Queue(local.into()));
        let arn = "arn:aws:sqs:us-east-1:123456789012:logs";
        check(arn, Place::Queue(arn.into()));
        check("logs:/aws/eks/prod/cluster", Place::LogGroup("/aws/eks/prod/cluster".into()));
        let address: SocketAddr = "127.0.0.1:8787".parse().unwrap();
        check("http://127.0.0.1:8787", Place::Http(address));
        let syslog = |transport| Place::Syslog { address, transport };
        check("syslog://127.0.0.1:8787", syslog(Transport::Tcp));
        check("syslog+udp://127.0.0.1:8787", syslog(Transport::Udp));
    }

    #[test]
    fn what_is_no_place_is_refused_with_the_list_of_places() {
        for text in ["", "ftp://a/b", "s3://", "logs:", "syslog://here", "http://here", "sqs://"] {
            assert!(Place::parse(text).unwrap_err().contains("is no place of logs"), "{text}");
        }
    }
}
