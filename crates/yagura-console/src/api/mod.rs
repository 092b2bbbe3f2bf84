//! JSON under `/api/v1`, for programs.

use crate::gate::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
}
