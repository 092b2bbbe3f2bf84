//! Read tools for assistants, by the Model Context Protocol.

use crate::gate::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
}
