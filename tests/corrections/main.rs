//! Any fact that turns out otherwise is corrected in the configuration: a proxy in front of a vendor's simulator renames
//! one kind of thing both ways, a `wire` file says so, and the tables are those of the vendor as it was.
//!
//! What is renamed is derived from the facts themselves, so nobody lists it.

mod facts;
mod probe;
mod proxy;
mod push;
mod run;
mod wire;

use facts::Kind;
use userhaul_simulator::Vendor;

const KINDS: &[Kind] = &[
    Kind::Paths,
    Kind::Prefix,
    Kind::Params,
    Kind::Members,
    Kind::Envelope,
    Kind::Header,
    Kind::Scheme,
    Kind::Dates,
    Kind::Sizes,
];

async fn every_kind(vendor: Vendor) {
    let original = run::tables(vendor, None).await.expect("the vendor as it is");
    assert!(original.values().map(Vec::len).sum::<usize>() > 50, "a world with rows");
    let mut problems = Vec::new();
    for &kind in KINDS {
        match run::tables(vendor, Some(kind)).await {
            Err(problem) => problems.push(format!("{kind:?}: {problem}")),
            Ok(renamed) => problems
                .extend(run::differences(&original, &renamed).map(|problem| format!("{kind:?}: {problem}"))),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_sprig_renames_is_corrected() {
    every_kind(Vendor::Sprig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_thrive_renames_is_corrected() {
    every_kind(Vendor::Thrive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_userlane_renames_is_corrected() {
    every_kind(Vendor::Userlane).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_userlot_renames_is_corrected() {
    every_kind(Vendor::Userlot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_elsewhere_is_corrected() {
    let client = run::thrive_client();
    let original = run::tables_of(Vendor::Thrive, None, &client).await.expect("the vendor as it is");
    let renamed =
        run::tables_of(Vendor::Thrive, Some(Kind::Paths), &client).await.expect("the paths are corrected");
    assert_eq!(run::differences(&original, &renamed), None);
}

/// All at once in the words of the reference's profile (vendors/userlane.md 1.6): a third naming convention.
#[tokio::test(flavor = "multi_thread")]
async fn a_third_userlane_profile_gives_the_same_tables() {
    let original = run::tables(Vendor::Userlane, None).await.expect("the vendor as it is");
    let renamed = run::tables(Vendor::Userlane, Some(Kind::ThirdProfile)).await.expect("the profile is read");
    assert_eq!(run::differences(&original, &renamed), None);
}
