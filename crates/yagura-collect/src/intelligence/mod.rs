//! Threat lists and AWS's ranges: fetched from files, web addresses and buckets, and kept on a
//! shelf in the data folder.
//! They are read in `yagura-analyze` and matched in `yagura-judge`; nothing is judged here.
//!
//! A copy is replaced only by one that is whole and looks like a list. When a fetch fails the last
//! good copy stays, with its age and the failure told.

mod fetch;
mod load;
mod refresh;
mod shelf;

pub use fetch::{FetchError, Fetched, Fetcher, ListPlace, Reach};
pub use load::{Loaded, LoadedList, Trouble, load};
pub use refresh::{LIST_CALLS, RefreshAsked, RefreshState, Refreshed, refresh};
pub use shelf::{Failure, Kept, KeptNote, Shelf, ShelfError};

/// The name under which AWS's ranges are kept. No list can have it: it begins with a capital.
pub const AWS_RANGES: &str = "AWS-ranges";
/// Where AWS publishes its ranges ("AWS IP address ranges", VPC user guide).
pub const AWS_RANGES_URL: &str = "https://ip-ranges.amazonaws.com/ip-ranges.json";
