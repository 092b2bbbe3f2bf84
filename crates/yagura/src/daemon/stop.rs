//! Signals: the first asks the daemon to stop, the second ends it at once.
//! What a stop means for what runs is in `lanes.rs` and `watch/`.

use tokio_util::sync::CancellationToken;
use yagura_model::Lang;

use crate::exit::Exit;
use crate::output;

/// A token that is cancelled by SIGINT or SIGTERM.
pub(crate) fn on_signals(lang: Lang) -> CancellationToken {
    let stop = CancellationToken::new();
    let trigger = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        output::say(match lang {
            Lang::En => "stopping: what runs is ended or handed back (once more to stop at once)",
            Lang::Ja => {
                "停止します。実行中の処理を終えるか引き渡します（もう一度送るとすぐに終了）"
            }
        });
        trigger.cancel();
        signalled().await;
        #[expect(clippy::exit, reason = "the person asked twice")]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    stop
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signalled() {
    let _ = tokio::signal::ctrl_c().await;
}
