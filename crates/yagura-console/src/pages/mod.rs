//! The pages, a file or folder for each part of the navigation. They look things up, lay them out
//! for a template, and write what the viewer decided.
//! Who may see what is checked before they are called (`gate.rs`).

mod access;
mod accounts;
mod alerts;
mod controls;
mod cost;
mod findings;
mod logs;
mod overview;
pub(crate) mod resources;
mod routes;
#[cfg(test)]
mod scoped;
mod settings;
pub(crate) mod standing;

pub(crate) use self::access::{Known, Worlds, known};
pub(crate) use self::alerts::within;
use crate::gate::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    let parts: [fn(Routes) -> Routes; 11] = [
        overview::routes,
        findings::routes,
        alerts::routes,
        resources::routes,
        controls::routes,
        accounts::routes,
        logs::routes,
        access::routes,
        cost::routes,
        self::routes::routes,
        settings::routes,
    ];
    parts.into_iter().fold(routes, |routes, part| part(routes))
}
