//! The reads of a request: contacts by list, many pages at once; by get what a list leaves out.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    family::ITEMS,
    item::{Item, one_each},
};
use crate::bitrix::{
    Batch, BatchAnswer, Problem, Reply,
    contacts::{self, Contact, Family, PAGE},
};

/// Pages read in one request at most.
pub(super) const MOST_PAGES: usize = 40;

/// The reads of a request.
#[derive(Debug)]
pub(super) struct Reads {
    family: Family,
    pages: Vec<Vec<Item>>,
    gets: Vec<Item>,
    /// A contact that was asked for with a condition that cannot hold, and by which methods.
    proof: Option<(Family, u64)>,
}

/// What a request is to read, and how much.
pub(super) struct Wish {
    pub family: Family,
    pub now: Timestamp,
    pub pages: usize,
    /// The methods by which it has to prove that a guard can refuse.
    pub proofs: Vec<Family>,
}

/// What became of a read.
pub(super) enum Read {
    /// The contact as it stands now.
    Found(Item, Contact),
    /// A list left it out, which proves nothing: a get tells whether it is gone.
    Unlisted(Item),
    /// A page brought nothing.
    PageFailed(Vec<Item>, Problem),
    /// A get brought nothing.
    GetFailed(Item, Problem),
}

/// What a request answered under a condition that cannot hold.
pub(super) struct Proof {
    /// The methods that it is about.
    pub family: Family,
    /// The contact, which was answered beside it.
    pub contact_id: u64,
    /// The answer.
    pub answer: Result<Reply, Problem>,
}

impl Reads {
    /// Takes from `to_read` what may be read now and fits.
    pub(super) fn put(to_read: &mut Vec<Item>, wish: &Wish, batch: &mut Batch) -> Self {
        let mut reads = Self {
            family: wish.family,
            pages: Vec::new(),
            gets: Vec::new(),
            proof: None,
        };
        let (ready, waiting): (Vec<Item>, Vec<Item>) = one_each(std::mem::take(to_read))
            .into_iter()
            .partition(|item| item.not_before.is_none_or(|moment| moment <= wish.now));
        *to_read = waiting;
        let (chosen, others) = company(ready);
        to_read.extend(others);
        let (by_get, by_list): (Vec<Item>, Vec<Item>) = chosen
            .into_iter()
            .partition(|item| item.missing_from_list || item.is_lone());
        let listed = by_list.first().map(|item| (wish.family, item.contact_id));
        // What no list shows can be proved by lists of the other methods at most.
        let others = by_get.iter();
        let others = others.filter_map(|item| Some((item.by?, item.contact_id)));
        let proof = listed.into_iter().chain(others);
        let proof = proof
            .into_iter()
            .find(|(family, _)| wish.proofs.contains(family));
        if let Some((family, id)) = proof
            && batch.push("proof", &contacts::proof(family, id))
        {
            reads.proof = proof;
        }
        let mut rest = by_list.into_iter().peekable();
        while rest.peek().is_some() && reads.pages.len() < wish.pages {
            let page: Vec<Item> = rest.by_ref().take(PAGE).collect();
            let ids: Vec<u64> = page.iter().map(|item| item.contact_id).collect();
            let call = contacts::page(wish.family, &ids);
            if !batch.push(format!("p{}", reads.pages.len()), &call) {
                to_read.extend(page);
                break;
            }
            reads.pages.push(page);
        }
        to_read.extend(rest);
        for item in by_get {
            let id = item.contact_id;
            let get = contacts::get(item.by.unwrap_or(wish.family), id);
            if batch.push(format!("c{id}"), &get) {
                reads.gets.push(item);
            } else {
                to_read.push(item);
            }
        }
        // Should one of them not be found: is it the contact, or all of its kind?
        if reads.gets.iter().any(|item| reads.gets_item(item)) {
            batch.push(ITEMS, &contacts::question());
        }
        reads
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.gets.is_empty()
    }

    /// Whether a request has failed that read these contacts.
    pub(super) fn is_doubtful(&self) -> bool {
        let mut items = self.pages.iter().flatten().chain(&self.gets);
        items.any(|item| item.company.is_some())
    }

    /// How many pages it reads.
    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Whether a contact is read by the universal get.
    fn gets_item(&self, item: &Item) -> bool {
        item.by.unwrap_or(self.family) == Family::Universal
    }

    /// What it was to read, the request having brought no answer.
    pub(super) fn items(self) -> Vec<Item> {
        self.pages.into_iter().flatten().chain(self.gets).collect()
    }

    /// What the answer brought, and the answer to the proof, where its contact was read beside it.
    pub(super) fn redeem(self, answer: &mut BatchAnswer) -> (Vec<Read>, Option<Proof>) {
        let mut read = Vec::new();
        let mut proof = None;
        let items = answer.take(ITEMS);
        for (at, page) in self.pages.into_iter().enumerate() {
            let list = answer
                .take(&format!("p{at}"))
                .and_then(|reply| contacts::read_list(self.family, reply.result, reply.time.began));
            match list {
                Ok(list) => {
                    let mut by_id: HashMap<u64, Contact> = list
                        .into_iter()
                        .map(|contact| (contact.id, contact))
                        .collect();
                    let proved = self.proof.filter(|(family, _)| *family == self.family);
                    if let Some((family, id)) = proved.filter(|(_, id)| by_id.contains_key(id)) {
                        proof = Some(Proof {
                            family,
                            contact_id: id,
                            answer: answer.take("proof"),
                        });
                    }
                    read.extend(page.into_iter().map(
                        |item| match by_id.remove(&item.contact_id) {
                            Some(contact) => Read::Found(item, contact),
                            None => Read::Unlisted(item),
                        },
                    ));
                }
                Err(problem) => read.push(Read::PageFailed(page, problem)),
            }
        }
        for item in self.gets {
            let by = item.by.unwrap_or(self.family);
            let contact = answer
                .take(&format!("c{}", item.contact_id))
                .and_then(|it| contacts::read_one(by, &it.result, it.time.began));
            // The same code says that the portal has lost this kind of item as a whole.
            let contact = match (contact, &items) {
                (Err(Problem::Gone), Err(problem)) if by == Family::Universal => {
                    Err(problem.clone())
                }
                (contact, _) => contact,
            };
            read.push(match contact {
                // An answer about another contact says nothing of this one.
                Ok(contact) if contact.id == item.contact_id => {
                    let proved = (by, contact.id);
                    if item.by.is_some() && self.proof == Some(proved) {
                        proof = Some(Proof {
                            family: by,
                            contact_id: contact.id,
                            answer: answer.take("proof"),
                        });
                    }
                    Read::Found(item, contact)
                }
                Ok(_) => Read::GetFailed(
                    item,
                    Problem::Unclear("another contact was answered".to_owned()),
                ),
                Err(problem) => Read::GetFailed(item, problem),
            });
        }
        (read, proof)
    }
}

/// Who is read together: all who may be with anybody; where there is nobody like that, the first of
/// those who may only be with a few.
fn company(ready: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
    let (free, suspects): (Vec<Item>, Vec<Item>) =
        ready.into_iter().partition(|item| item.company.is_none());
    if !free.is_empty() || suspects.is_empty() {
        return (free, suspects);
    }
    let most = suspects.first().and_then(|item| item.company).unwrap_or(1);
    let (mut together, mut others) = (Vec::new(), Vec::new());
    for item in suspects {
        if together.len() < most && item.company.is_some_and(|company| company >= most) {
            together.push(item);
        } else {
            others.push(item);
        }
    }
    (together, others)
}

/// Divides contacts whose reading failed: each half is read without the other. One that is left alone
/// in the end is what the portal fails over.
pub(super) fn divide(items: Vec<Item>) -> Vec<Item> {
    let half = (items.len() / 2).max(1);
    items
        .into_iter()
        .map(|item| Item {
            company: Some(item.company.unwrap_or(half).min(half)),
            ..item
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads until each contact was read or found to be the one that fails. Answers the requests.
    fn requests_to_find(bad: u64, contacts: u64) -> usize {
        let mut to_read: Vec<Item> = (1..=contacts).map(Item::without_rows).collect();
        let (mut requests, mut found) = (0, None);
        while !to_read.is_empty() {
            let wish = Wish {
                family: Family::Classic,
                now: Timestamp::UNIX_EPOCH,
                pages: MOST_PAGES,
                proofs: Vec::new(),
            };
            let items = Reads::put(&mut to_read, &wish, &mut Batch::new()).items();
            requests += 1;
            if items.iter().all(|item| item.contact_id != bad) {
                continue;
            }
            if let [item] = items.as_slice()
                && item.is_lone()
            {
                found = Some(item.contact_id);
                continue;
            }
            to_read.extend(divide(items));
        }
        assert_eq!(found, Some(bad));
        requests
    }

    #[test]
    fn the_one_that_fails_is_found_by_halving() {
        assert!(requests_to_find(17, 60) <= 14);
        assert!(requests_to_find(1000, 1000) <= 22);
        assert_eq!(requests_to_find(1, 1), 2);
    }
}
