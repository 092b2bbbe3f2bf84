//! The pages of resources: the list with its search and facets, and one resource with everything
//! that is known of it.
//! What is found wrong with resources stands on the pages of findings and controls.

mod diff;
mod drawing;
mod facts;
mod list;
mod tree;
mod view;

pub(crate) use drawing::register;

use crate::gate::{Need, Routes};
use crate::viewer::Role;

#[cfg(test)]
pub(crate) use {list::list, view::view};

pub(super) fn routes(routes: Routes) -> Routes {
    let viewer = Need::Role(Role::Viewer);
    routes.get("/resources", viewer, list::list).get("/resources/view", viewer, view::view)
}
