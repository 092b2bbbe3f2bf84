//! Style, script and mark of the console, under names that change with what they hold.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::IntoResponse;
use http::header;
use sha2::{Digest, Sha256};

use crate::fault::{Answer, Fault};

/// Name, type, content.
const FILES: [(&str, &str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8", include_str!("../../assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js")),
    ("mark.svg", "image/svg+xml", include_str!("../../assets/mark.svg")),
];

/// The paths of the files, in their order.
fn names() -> &'static [String; 3] {
    static NAMES: OnceLock<[String; 3]> = OnceLock::new();
    NAMES.get_or_init(|| {
        FILES.map(|(name, _, content)| {
            let digest = hex::encode(Sha256::digest(content.as_bytes()));
            let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
            format!("{stem}-{}.{extension}", digest.get(..12).unwrap_or_default())
        })
    })
}

/// Where a file is: `asset('console.css')` in templates.
pub(crate) fn path(name: &str) -> Option<String> {
    let at = FILES.iter().position(|(known, ..)| *known == name)?;
    names().get(at).map(|name| format!("/assets/{name}"))
}

pub(super) async fn file(Path(asked): Path<String>) -> Answer {
    let at = names().iter().position(|name| *name == asked);
    let (_, kind, content) = at.and_then(|at| FILES.get(at)).ok_or(Fault::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, *kind),
        // The name says what it holds: it never changes.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, *content).into_response())
}
