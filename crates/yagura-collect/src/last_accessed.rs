//! When principals last asked each service that their policies allow, as IAM tells it: a report is
//! made for each principal when it is asked for. What lies unused by it is judged in
//! `yagura-analyze`.
//!
//! IAM looks back 400 days at the most, shows a use within four hours, counts attempts that were
//! denied as well, and lists what the principal's own policies allow, whatever boundaries and
//! service control policies take away (IAM User Guide, "Refine permissions in AWS using last
//! accessed information", seen 2026-11).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};
use yagura_aws::ReadClient;
use yagura_model::usage::ServiceAccess;
use yagura_model::{Path, Unread, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Place};
use crate::organization::home_region;

/// The IAM actions that it takes, in the account of each principal.
pub(crate) const ACTIONS: [&str; 2] =
    ["iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails"];

/// Principals that are asked about at once; IAM answers slowly and refuses haste.
const AT_ONCE: usize = 8;
/// How long is waited before a report is asked for again, and how often that is done.
const PAUSE: Duration = Duration::from_secs(1);
const TRIES_MAX: u32 = 60;
/// Pages of one report at most: there are some 400 services.
const PAGES_MAX: u32 = 100;

/// What IAM says of each principal: its services, or why it was not told.
pub type LastAccessed = BTreeMap<String, Result<Vec<ServiceAccess>, Unread>>;

/// Asks about users and roles, by their ARNs, each in its own account.
pub async fn last_accessed(client: &ReadClient, principals: &[String]) -> LastAccessed {
    read(&crate::caller(client), principals).await
}

async fn read(caller: &Arc<dyn Caller>, principals: &[String]) -> LastAccessed {
    let ask = |arn: String| async move {
        let told = of_principal(caller, &arn).await;
        (arn, told.map_err(|(failure, action)| failure.at(Path::default(), action)))
    };
    futures::stream::iter(principals.to_vec()).map(ask).buffer_unordered(AT_ONCE).collect().await
}

async fn of_principal(
    caller: &Arc<dyn Caller>,
    arn: &str,
) -> Result<Vec<ServiceAccess>, (Failure, &'static str)> {
    let [to_make, to_get] = ACTIONS;
    let place = place_of(arn);
    let make = CallName::new("iam", "GenerateServiceLastAccessedDetails");
    let made = caller.call(&place, &make, &json!({"Arn": arn})).await;
    let made = made.map_err(|failure| (failure, to_make))?;
    let job = made.get("JobId").and_then(Value::as_str);
    let job = job.ok_or_else(|| (odd(&make, "it names no job"), to_make))?;
    report(caller, &place, job).await.map_err(|failure| (failure, to_get))
}

/// The report of a job, once it is made.
async fn report(
    caller: &Arc<dyn Caller>,
    place: &Place,
    job: &str,
) -> Result<Vec<ServiceAccess>, Failure> {
    let call = CallName::new("iam", "GetServiceLastAccessedDetails");
    let mut services = Vec::new();
    let mut input = json!({"JobId": job});
    let (mut tries, mut pages) = (0, 0);
    loop {
        let answer = caller.call(place, &call, &input).await?;
        match answer.get("JobStatus").and_then(Value::as_str) {
            Some("COMPLETED") => {}
            Some("IN_PROGRESS") if tries < TRIES_MAX => {
                tries += 1;
                caller.pause(PAUSE).await;
                continue;
            }
            Some("IN_PROGRESS") => {
                let name = call.to_string();
                return Err(Failure::local(UnreadReason::TimedOut, &name, "it was never done"));
            }
            _ => {
                let why = answer.pointer("/Error/Message").and_then(Value::as_str);
                return Err(odd(&call, why.unwrap_or("the report could not be made")));
            }
        }
        let page = answer.get("ServicesLastAccessed").and_then(Value::as_array);
        services.extend(page.into_iter().flatten().filter_map(service));
        let is_cut = answer.get("IsTruncated").and_then(Value::as_bool) == Some(true);
        let marker = answer.get("Marker").filter(|_| is_cut);
        let Some(marker) = marker else { return Ok(services) };
        pages += 1;
        if pages >= PAGES_MAX {
            return Err(odd(&call, "the report does not end"));
        }
        input = json!({"JobId": job, "Marker": marker});
    }
}

fn service(one: &Value) -> Option<ServiceAccess> {
    let last = one.get("LastAuthenticated").and_then(Value::as_str);
    Some(ServiceAccess {
        service: one.get("ServiceNamespace")?.as_str()?.to_owned(),
        last: last.and_then(|time| time.parse().ok()),
    })
}

fn odd(call: &CallName, why: &str) -> Failure {
    Failure::local(UnreadReason::Failed, &call.to_string(), why)
}

/// Where a principal's account answers for IAM.
fn place_of(arn: &str) -> Place {
    let part = |at: usize| arn.split(':').nth(at).unwrap_or_default();
    Place::new(part(4), home_region(part(1)))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::cases::answers::{Answers, validate};

    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    const USER: &str = "arn:aws-cn:iam::444455556666:user/mika";
    const MAKE: &str = "iam:GenerateServiceLastAccessedDetails";
    const GET: &str = "iam:GetServiceLastAccessedDetails";
    const JOB: &str = "00000000-0000-0000-0000-000000000001";

    fn page(services: &[(&str, Option<&str>)]) -> Value {
        let service = |(name, last): &(&str, Option<&str>)| {
            let mut one = json!({"ServiceName": name, "ServiceNamespace": name});
            if let Some(last) = last {
                one["LastAuthenticated"] = json!(last);
            }
            one
        };
        json!({
            "JobStatus": "COMPLETED", "JobCreationDate": "2026-11-22T00:00:00Z",
            "JobCompletionDate": "2026-11-22T00:00:01Z",
            "ServicesLastAccessed": services.iter().map(service).collect::<Vec<_>>(),
        })
    }

    fn told(principals: &[&str], answers: Value) -> (LastAccessed, Vec<(Place, String, Value)>) {
        let by_call: BTreeMap<String, Value> = serde_json::from_value(answers).unwrap();
        let answers = Arc::new(Answers::new("111122223333", "aws", by_call));
        let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
        let principals: Vec<String> = principals.iter().map(|arn| (*arn).to_owned()).collect();
        let told = block_on(read(&caller, &principals));
        let asked = answers.asked();
        asked.iter().for_each(|(_, call, input)| validate(call, input, true));
        (told, asked)
    }

    #[test]
    fn every_page_of_a_report_is_read_in_the_principals_account() {
        let mut first = page(&[("s3", Some("2026-11-01T00:00:00Z")), ("iam", None)]);
        first["IsTruncated"] = json!(true);
        first["Marker"] = json!("next");
        let second = page(&[("ec2", Some("2026-01-01T00:00:00Z"))]);
        [&first, &second].into_iter().for_each(|one| validate(GET, one, false));
        validate(MAKE, &json!({"JobId": JOB}), false);
        let (told, asked) = told(
            &[ROLE, USER],
            json!({
                MAKE: {"JobId": JOB},
                GET: [{"input": {"Marker": "next"}, "answer": second},
                      {"input": {"JobId": JOB}, "answer": first}],
            }),
        );
        let services = told[ROLE].as_ref().unwrap();
        let names: Vec<&str> = services.iter().map(|one| one.service.as_str()).collect();
        assert_eq!(names, ["s3", "iam", "ec2"]);
        assert_eq!(services[0].last, Some("2026-11-01T00:00:00Z".parse().unwrap()));
        assert_eq!(services[1].last, None);
        assert!(told[USER].is_ok());
        let places: std::collections::BTreeSet<(String, String)> = asked
            .into_iter()
            .map(|(place, ..)| (place.account.clone(), place.region.clone()))
            .collect();
        let expected = [("111122223333", "us-east-1"), ("444455556666", "cn-north-1")];
        assert_eq!(places, expected.map(|(a, r)| (a.to_owned(), r.to_owned())).into());
    }

    #[test]
    fn what_is_denied_or_never_done_is_not_known() {
        let denied = json!({"error": "AccessDenied", "message": "no"});
        let never = json!({"JobStatus": "IN_PROGRESS", "JobCreationDate": "2026-11-22T00:00:00Z",
                           "JobCompletionDate": "2026-11-22T00:00:00Z",
                           "ServicesLastAccessed": []});
        validate(GET, &never, false);
        let mut failed = never.clone();
        failed["JobStatus"] = json!("FAILED");
        failed["Error"] = json!({"Code": "x", "Message": "it broke"});
        validate(GET, &failed, false);
        let check = |answers: Value, reason: UnreadReason, action: &str| {
            let (told, _) = told(&[ROLE], answers);
            let unread = told[ROLE].as_ref().unwrap_err();
            assert_eq!((unread.reason, unread.action.as_str()), (reason, action));
        };
        check(json!({MAKE: denied}), UnreadReason::Denied, ACTIONS[0]);
        check(json!({MAKE: {"JobId": JOB}, GET: denied}), UnreadReason::Denied, ACTIONS[1]);
        check(json!({MAKE: {"JobId": JOB}, GET: never}), UnreadReason::TimedOut, "");
        check(json!({MAKE: {"JobId": JOB}, GET: failed}), UnreadReason::Failed, "");
    }
}
