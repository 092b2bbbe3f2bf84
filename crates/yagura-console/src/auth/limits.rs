//! How long whoever fails to sign in must wait: more with each failure, by address and by name.
//! The counts are in the store, so that they hold over restarts and for all processes.

use std::sync::LazyLock;

use tokio::sync::{Semaphore, SemaphorePermit};
use yagura_store::people::Hash;

use super::{address, credentials};
use crate::fault::Fault;
use crate::state::Console;
use crate::viewer::Viewer;

/// Failures of a name without any wait: people mistype.
const NAME_FREE: u64 = 5;
/// The longest wait of a name, in seconds. Anybody can fail in another's name, so it stays short.
const NAME_WAIT_MAX: u64 = 60;
/// Failures of an address without any wait: an office has one.
const ADDRESS_FREE: u64 = 20;
/// The longest wait of an address, and of codes after a right password, in seconds.
const WAIT_MAX: u64 = 900;

/// Passwords that are hashed at once: each takes 19 MiB for some tens of milliseconds. It also
/// bounds how many guesses can be under way before the first is counted.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));

/// An attempt: whose failures count, for as long as it lasts.
pub(super) struct Attempt {
    address: Hash,
    name: Hash,
    code: bool,
    _permit: SemaphorePermit<'static>,
}

/// Begins an attempt under a name.
///
/// # Errors
/// [`Fault::TooMany`] where the address or the name must wait.
pub(super) async fn begin(
    console: &Console,
    viewer: &Viewer,
    name: &str,
) -> Result<Attempt, Fault> {
    attempt(console, viewer, &format!("name {}", name.trim().to_lowercase()), false).await
}

/// Begins an attempt to give the code of somebody whose password was right.
///
/// # Errors
/// [`Fault::TooMany`] where the address or the person must wait.
pub(super) async fn begin_code(
    console: &Console,
    viewer: &Viewer,
    person: i64,
) -> Result<Attempt, Fault> {
    attempt(console, viewer, &format!("code {person}"), true).await
}

async fn attempt(
    console: &Console,
    viewer: &Viewer,
    name: &str,
    code: bool,
) -> Result<Attempt, Fault> {
    let permit = AT_ONCE.acquire().await;
    let permit = permit.map_err(|_| Fault::Unavailable("the console stops".to_owned()))?;
    let address = credentials::digest(&format!("address {}", address::counted(&viewer.address)));
    let name = credentials::digest(name);
    let now = console.now();
    let until = console.store().people().must_wait(&[address, name], now).await?;
    if let Some(until) = until {
        let seconds = until.duration_since(now).as_secs().max(0);
        return Err(Fault::TooMany(u64::try_from(seconds).unwrap_or(0).saturating_add(1)));
    }
    Ok(Attempt { address, name, code, _permit: permit })
}

/// Whether one more failure at a provider of identities, from where this viewer asks, is worth a
/// line in the record.
pub(super) async fn is_worth_a_line(console: &Console, viewer: &Viewer) -> Result<bool, Fault> {
    let whose = format!("provider {}", address::counted(&viewer.address));
    let (people, now) = (console.store().people(), console.now());
    let failures = people.failed(&credentials::digest(&whose), |_| 0, now).await?;
    Ok(failures.count <= ADDRESS_FREE)
}

impl Attempt {
    /// It failed.
    pub(super) async fn failed(self, console: &Console) -> Result<(), Fault> {
        let (people, now) = (console.store().people(), console.now());
        people.failed(&self.address, |count| wait(count, ADDRESS_FREE, WAIT_MAX), now).await?;
        let max = if self.code { WAIT_MAX } else { NAME_WAIT_MAX };
        people.failed(&self.name, |count| wait(count, NAME_FREE, max), now).await?;
        Ok(())
    }

    /// It succeeded: the name's failures were its owner's. The address's stay: otherwise who has
    /// one account could guess at others without end.
    pub(super) async fn succeeded(self, console: &Console) -> Result<(), Fault> {
        console.store().people().came_in(&self.name).await?;
        Ok(())
    }
}

/// Seconds to wait after so many failures: none for the first, then twice as long each time.
fn wait(count: u64, free: u64, max: u64) -> u64 {
    let over = count.saturating_sub(free);
    if over == 0 { 0 } else { 1_u64.checked_shl(over.min(62) as u32).unwrap_or(max).min(max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_its_end() {
        let waits: Vec<u64> = (4..=13).map(|count| wait(count, 5, 60)).collect();
        assert_eq!(waits, [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(wait(u64::MAX, 5, 900), 900);
    }
}
