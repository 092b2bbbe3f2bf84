//! Serves the console's pages over a data folder, without lake and daemon: for looking at pages
//! while writing them. `cargo run -p yagura-console --example console -- FOLDER [PORT]`.
//! The program's own way to serve it is `yagura serve` and `yagura demo`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yagura_console::{ActionBook, ActionForm, Console, Entrance, Parts, router};
use yagura_content::Content;
use yagura_store::{Location, Store};

struct NoActions;

impl ActionBook for NoActions {
    fn action(&self, _name: &str) -> Option<ActionForm> {
        None
    }

    fn beginning(&self, _start: &str, _max: usize) -> Vec<String> {
        Vec::new()
    }
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a program of its own, for a look at pages")]
    Timestamp::now()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a data folder")?;
    let port: u16 = arguments.next().map_or(Ok(8788), |port| port.parse())?;
    let store = Store::open(&Location::in_folder(Path::new(&folder))).await?;
    let content = Arc::new(Content::builtin().clone());
    let console = Console::new(Parts {
        entrance: Entrance::Open,
        address: format!("http://127.0.0.1:{port}"),
        zone: TimeZone::get("Asia/Tokyo")?,
        demo: true,
        ..Parts::new(store, content, Arc::new(NoActions), Arc::new(now))
    })?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router(&console)).await?;
    Ok(())
}
