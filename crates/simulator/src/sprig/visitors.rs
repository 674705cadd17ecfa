//! The visitors: invented people as the vendor knows them, most of them by the customer's own user id.

use crate::core::{
    people::{Person, person},
    seed::Seed,
};

/// One visitor.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) person: Person,
    /// The internal number.
    pub(super) id: i64,
    pub(super) uuid: String,
    /// The customer's user id; none for anonymous visitors.
    pub(super) user_id: Option<String>,
    /// Whether `/v2/users` knows the user id: some that answers name are gone.
    pub(super) has_profile: bool,
    /// Whether the visitor has ever answered.
    pub(super) has_answered: bool,
}

/// Visitor `number` of the world that `seed` makes.
pub(super) fn visitor(seed: u64, number: usize) -> Visitor {
    let mut numbers = Seed::of(seed, "visitor", number as u64);
    let person = person(seed, number);
    let user_id = (number % 8 != 5).then(|| user_id(&person));
    Visitor {
        id: 51_400_000 + i64::try_from(number).unwrap_or(0) * 3,
        uuid: numbers.uuid(),
        has_profile: user_id.is_some() && number % 16 != 11,
        has_answered: number % 16 != 9,
        user_id,
        person,
    }
}

/// Most ids are plain; one in four needs encoding as a path segment (section 3.4).
fn user_id(person: &Person) -> String {
    let id = &person.external_id;
    match person.number % 24 {
        2 => format!("acct_77/{id}"),
        6 => format!("100% {id}"),
        10 => format!("{id}+é 李娜"),
        12 => format!("%2F{id}%"),
        14 => person.email.clone(),
        18 => format!("{id}?a=b#c&d;e"),
        _ => id.clone(),
    }
}
