//! The page `/resources`.

use crate::gate::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
}
