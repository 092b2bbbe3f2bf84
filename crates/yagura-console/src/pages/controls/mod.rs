//! The pages of controls and frameworks: what is wanted, how it stands, and from a framework's
//! requirement down to the resources behind it.
//! What a single resource is like stands on its own page.

mod control;
mod framework;
mod frameworks;
mod list;
mod verdicts;

pub(super) use frameworks::state_bar;
pub(super) use list::Part;

use crate::gate::{Need, Routes};
use crate::viewer::Role;

#[cfg(test)]
pub(super) use {control::control, list::list};

pub(super) fn routes(routes: Routes) -> Routes {
    let viewer = Need::Role(Role::Viewer);
    routes
        .get("/controls", viewer, list::list)
        .get("/controls/{id}", viewer, control::control)
        .get("/frameworks", viewer, frameworks::list)
        .get("/frameworks/{id}", viewer, framework::framework)
}
