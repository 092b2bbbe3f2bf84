//! Scans of accounts of moto, a server that speaks AWS's protocols and was written without us.
//! What it lacks, and what it does otherwise than AWS, is not claimed here.
//!
//! Tests in here run one at a time: each starts a server of its own, and those are slow.

mod access; // who can do what
mod history; // changes, comparison, exported files
mod organization; // several accounts
mod shared; // what is shared with another account, kind by kind
mod verdicts; // one account, good and bad

use serde_json::Value;
use yagura_testkit::moto::Moto;
use yagura_testkit::writer::Writer;

use crate::{ACCESS_KEY, api};

pub(super) const REGION: &str = "us-east-1";

/// A server, and a hand that fills it.
pub(super) struct Ground {
    pub(super) moto: Moto,
    pub(super) writer: Writer,
}

impl Ground {
    pub(super) async fn start() -> Self {
        let moto = Moto::start().await.unwrap();
        let writer = Writer::new(moto.url(), &api(), ACCESS_KEY);
        Self { moto, writer }
    }
}

/// Calls an operation, which must succeed.
pub(super) async fn write(writer: &Writer, call: &str, input: Value) -> Value {
    let (service, operation) = call.split_once(':').unwrap();
    writer.call(REGION, service, operation, input).await.unwrap()
}
