//! The search that the lists of both contact families make.

use crate::data::contact::Contact;
use crate::data::selection::{Condition, Order};
use crate::rest::method::Refusal;
use crate::settings::Breakage;
use crate::state::State;

/// Rows per page.
pub(crate) const PAGE: usize = 50;

/// Refuses a page with a contact that breaks lists.
pub(crate) fn check(state: &State, page: &[&Contact]) -> Result<(), Refusal> {
    let broken = &state.settings.broken;
    for contact in page {
        match broken.get(&contact.id) {
            Some(Breakage::ListFails { status, code, text }) => {
                return Err(Refusal::new(*status, code, text));
            }
            Some(Breakage::RequestEnds { status, body }) => {
                return Err(Refusal::page(*status, body));
            }
            Some(Breakage::Unencodable) | None => {}
        }
    }
    Ok(())
}

/// Visible contacts that fit, in order; at most `room` where the order allows to stop early.
/// `certain`: conditions that every fitting contact meets, of which those on the id spare a walk
/// through all contacts.
pub(crate) fn find<'a>(
    state: &'a State,
    certain: &[Condition],
    fits: impl Fn(&Contact) -> bool,
    order: &Order,
    room: usize,
) -> Vec<&'a Contact> {
    let settings = &state.settings;
    let fits = |contact: &&Contact| {
        !settings.hidden_from_list.contains(&contact.id)
            && !settings.may_not_read(contact.id)
            && fits(contact)
    };
    let exact = certain.iter().find_map(Condition::only_ids);
    let above = certain.iter().find_map(Condition::above_id);
    let mut found: Vec<&Contact> = match (exact, above) {
        (Some(mut ids), _) => {
            ids.sort_unstable();
            ids.dedup();
            let contacts = ids.iter().filter_map(|id| state.contacts.get(id));
            contacts.filter(fits).collect()
        }
        (None, Some(id)) => {
            let room = if order.is("ID") { room } else { usize::MAX };
            let range = state.contacts.range(id.saturating_add(1)..);
            range
                .map(|(_, contact)| contact)
                .filter(fits)
                .take(room)
                .collect()
        }
        (None, None) => state.contacts.values().filter(fits).collect(),
    };
    if order.is_reverse("ID") {
        found.reverse();
    } else if !order.is("ID") {
        order.sort(&mut found, |contact, field| contact.column(field));
    }
    found
}
