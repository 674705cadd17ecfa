//! Streams without pages.

use super::{Ask, End, Next, PageFacts, Pager, PagingError};

/// One answer is everything.
#[derive(Debug, Default)]
pub struct Single;

impl Pager for Single {
    fn first(&mut self) -> Next {
        Next::Ask(Ask::default())
    }

    fn next(&mut self, _page: &PageFacts<'_>) -> Result<Next, PagingError> {
        Ok(Next::Done(End::default()))
    }
}
