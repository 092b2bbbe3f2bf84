//! The client end to end over loopback: against moto, an independent implementation of AWS's
//! protocols, and against servers that misbehave. Below `wire` nothing connects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

mod accounts; // several accounts by AssumeRole
mod buckets; // buckets of any key and size, the lake's store, queues
mod misbehavior; // denials, throttling, broken answers, a wrong clock
mod recorded; // a recording served over HTTP
mod services; // list and describe operations of many services
mod wire; // the table, the protocols and the endpoints, without a connection

use std::sync::LazyLock;

use yagura_aws::{Actions, Api, Aws, AwsBuilder};

/// Whatever test servers take as a key.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// The account that moto gives to every key it does not know.
const OWN: &str = yagura_testkit::moto::MOTO_ACCOUNT;

/// The tables of the repository.
fn tables() -> (Api, Actions) {
    static TABLES: LazyLock<(Api, Actions)> = LazyLock::new(|| {
        let services = include_bytes!("../../../../content/aws-api/services.zst");
        let actions = include_bytes!("../../../../content/aws-api/actions.zst");
        (Api::open(services).unwrap(), Actions::open(actions).unwrap())
    });
    TABLES.clone()
}

/// A client of a test server, untouched by the environment.
fn builder(url: &str) -> AwsBuilder {
    let (api, actions) = tables();
    Aws::builder(api, actions)
        .isolated()
        .keys(ACCESS_KEY, "secret", None)
        .region("us-east-1")
        .endpoint_url(url)
        .unpaced()
        .seed(1)
}
