//! Which values an undo puts back, from the history.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use super::purpose::PutBack;
use crate::{
    names::Field,
    store::{Change, ChangeFilter, PortalId, RunKind, Store, StoreFault},
};

/// Reads from the history what to put back: per contact, its fields.
///
/// The newest write of a field decides. Only if that is among the chosen ones, and no undo, is
/// the field put back: to what stood there before the first of our writes that followed on one another.
///
/// # Errors
/// A fault of the store.
pub async fn values_to_put_back(
    store: &Store,
    portal: PortalId,
    chosen: &ChangeFilter,
) -> Result<HashMap<u64, Vec<PutBack>>, StoreFault> {
    let mut plan: HashMap<u64, Vec<PutBack>> = HashMap::new();
    // Fields whose older writes count no more.
    let mut closed: HashSet<(u64, Field)> = HashSet::new();
    let all = ChangeFilter {
        contact_id: chosen.contact_id,
        since: chosen.since,
        ..ChangeFilter::default()
    };
    store
        .for_each_change(portal, &all, |change| {
            let contact_id = change.sent.contact_id;
            let Ok(field) = change.sent.field.parse::<Field>() else {
                return ControlFlow::Continue(());
            };
            let key = (contact_id, field);
            if closed.contains(&key) {
                return ControlFlow::Continue(());
            }
            if !is_chosen(&change, chosen) {
                closed.insert(key);
                return ControlFlow::Continue(());
            }
            let fields = plan.entry(contact_id).or_default();
            match fields.iter_mut().find(|known| known.field == field) {
                None => fields.push(PutBack {
                    field,
                    ours: change.sent.new,
                    earlier: change.sent.old,
                }),
                Some(known) if known.earlier == change.sent.new => known.earlier = change.sent.old,
                // Somebody else wrote in between: theirs is the value to go back to.
                Some(_) => {
                    closed.insert(key);
                }
            }
            ControlFlow::Continue(())
        })
        .await?;
    for fields in plan.values_mut() {
        fields.retain(|field| field.ours != field.earlier);
        fields.sort_by_key(|value| Field::ALL.iter().position(|field| *field == value.field));
    }
    plan.retain(|_, fields| !fields.is_empty());
    Ok(plan)
}

fn is_chosen(change: &Change, chosen: &ChangeFilter) -> bool {
    change.kind != RunKind::Undo.as_str()
        && chosen.run.is_none_or(|run| run == change.run)
        && chosen.until.is_none_or(|until| change.at < until)
}
