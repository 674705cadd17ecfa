//! Fetching alone: all pages, so many at once, bodies thrown away. What any client has to wait for.
//!
//! `fetch-only URL PER_PAGE PAGES AT_ONCE`

// A yardstick is made of what is at hand, without the caps that the product keeps.
#![allow(clippy::disallowed_methods)]

use futures::StreamExt;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: fetch-only URL PER_PAGE PAGES AT_ONCE");
    let (url, per_page, pages, at_once) = (argument()?, argument()?, argument()?, argument()?);
    let client = reqwest::Client::new();
    let fetch = |page: u64| {
        let query = [("page", page.to_string()), ("perPage", per_page.clone())];
        let request = client.get(format!("{url}/rest/v1/users")).query(&query);
        async move { request.send().await?.error_for_status()?.bytes().await }
    };
    // The first page tells the totals; the others follow side by side.
    fetch(1).await?;
    let mut others =
        futures::stream::iter(2..=pages.parse::<u64>()?).map(fetch).buffer_unordered(at_once.parse()?);
    while let Some(body) = others.next().await {
        body?;
    }
    Ok(())
}
