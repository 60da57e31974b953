//! Reading the contacts in hand: by list, many pages a request; by get what a list leaves out.

use std::collections::HashMap;

use super::{
    Drain, DrainFailure, Pass,
    turn::Turn,
    work::{Fate, Item, fate, one_each},
};
use crate::{
    bitrix::{
        BatchAnswer, Problem, Reply,
        contacts::{self, Contact, Family, PAGE},
        limits::Step,
    },
    condition::Kind,
    portal::Repeat,
};

/// Pages read in one request at most.
pub(super) const MOST_PAGES: usize = 40;

/// From this many contacts on, all of them denied, it may be the account and not the contacts.
pub(super) const DENIED_FOR_ALL: usize = 3;

impl Drain {
    /// Adds reads for the contacts in hand that may be read now.
    pub(super) fn add_reads(&self, pass: &mut Pass, turn: &mut Turn) {
        let (family, now) = (turn.family, self.portal.now());
        let (ready, waiting): (Vec<Item>, Vec<Item>) = one_each(std::mem::take(&mut pass.to_read))
            .into_iter()
            .partition(|item| item.not_before.is_none_or(|moment| moment <= now));
        pass.to_read = waiting;
        let (by_get, by_list): (Vec<Item>, Vec<Item>) =
            ready.into_iter().partition(|item| item.missing_from_list);
        if let Some(first) = by_list.first().filter(|_| self.needs_proof(pass))
            && turn
                .batch
                .push("proof", &contacts::proof(family, first.contact_id))
        {
            turn.proof = Some(first.contact_id);
        }
        let seconds = self.config().batch_seconds;
        let most = self
            .memory
            .pages
            .fit(seconds, self.portal.cost(Step::page(family)));
        let mut rest = by_list.into_iter().peekable();
        while rest.peek().is_some() && turn.pages.len() < most {
            let page: Vec<Item> = rest.by_ref().take(PAGE).collect();
            let ids: Vec<u64> = page.iter().map(|item| item.contact_id).collect();
            if !turn.batch.push(
                format!("p{}", turn.pages.len()),
                &contacts::page(family, &ids),
            ) {
                pass.to_read.extend(page);
                break;
            }
            turn.pages.push(page);
        }
        pass.to_read.extend(rest);
        for item in by_get {
            let id = item.contact_id;
            if turn
                .batch
                .push(format!("c{id}"), &contacts::get(family, id))
            {
                turn.gets.push(item);
            } else {
                pass.to_read.push(item);
            }
        }
    }

    /// Judges every contact that was read.
    pub(super) async fn apply_reads(
        &mut self,
        pass: &mut Pass,
        turn: Turn,
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let (family, mut found) = (turn.family, 0);
        for (at, page) in turn.pages.into_iter().enumerate() {
            let list = answer
                .take(&format!("p{at}"))
                .and_then(|Reply { result, time, .. }| {
                    contacts::read_list(family, result, time.began)
                });
            match list {
                Ok(list) => {
                    found += list.len();
                    self.conclude_proof(turn.proof, family, &list, answer)
                        .await?;
                    self.judge_page(pass, page, list).await?;
                }
                Err(problem) => self.page_failed(pass, page, problem).await?,
            }
        }
        self.apply_gets(pass, (family, turn.gets), found, answer)
            .await
    }

    async fn judge_page(
        &mut self,
        pass: &mut Pass,
        page: Vec<Item>,
        list: Vec<Contact>,
    ) -> Result<(), DrainFailure> {
        let alone = self.left_alone(&list).await?;
        let mut by_id: HashMap<u64, Contact> = list
            .into_iter()
            .map(|contact| (contact.id, contact))
            .collect();
        for mut item in page {
            match by_id.remove(&item.contact_id) {
                Some(contact) => self.judge(pass, item, contact, &alone).await?,
                None => {
                    // Absence proves nothing: a single get tells whether it is gone.
                    item.missing_from_list = true;
                    pass.look_at(item);
                }
            }
        }
        Ok(())
    }

    async fn page_failed(
        &mut self,
        pass: &mut Pass,
        page: Vec<Item>,
        problem: Problem,
    ) -> Result<(), DrainFailure> {
        match problem {
            Problem::MethodBlocked => self.reads_blocked(pass, page).await,
            problem if problem.is_temporary() => {
                pass.failures += 1;
                page.into_iter().for_each(|item| pass.look_at(item));
                Ok(())
            }
            problem => Err(problem.into()),
        }
    }

    async fn reads_blocked(
        &mut self,
        pass: &mut Pass,
        items: Vec<Item>,
    ) -> Result<(), DrainFailure> {
        let family = self.portal.contacts();
        let until = self
            .portal
            .blocked_until(family.list())
            .max(self.portal.blocked_until(family.get()))
            .unwrap_or(self.portal.now());
        self.put_off(pass, items, until).await?;
        pass.writes_wait = Some((until, Problem::MethodBlocked.to_string()));
        Ok(())
    }

    async fn apply_gets(
        &mut self,
        pass: &mut Pass,
        (family, gets): (Family, Vec<Item>),
        found: usize,
        answer: &mut BatchAnswer,
    ) -> Result<(), DrainFailure> {
        let outcomes: Vec<(Item, Result<Contact, Problem>)> = gets
            .into_iter()
            .map(|item| {
                let reply = answer.take(&format!("c{}", item.contact_id));
                let contact = reply.and_then(|Reply { result, time, .. }| {
                    contacts::read_one(family, &result, time.began)
                });
                (item, contact)
            })
            .collect();
        let denied = |outcome: &(Item, Result<Contact, Problem>)| {
            matches!(outcome.1, Err(Problem::Denied(_)))
        };
        let all_denied = outcomes.len() >= DENIED_FOR_ALL && outcomes.iter().all(denied);
        if all_denied && found == 0 && !self.can_read_any().await? {
            return Err(DrainFailure::NeedsPerson(Kind::NoReadRight.into()));
        }
        let found = outcomes
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref().ok());
        let alone = self.left_alone(found).await?;
        for (item, outcome) in outcomes {
            match outcome {
                Ok(contact) => self.judge(pass, item, contact, &alone).await?,
                Err(problem) => self.meet(pass, item, problem).await?,
            }
        }
        Ok(())
    }

    /// Whether the account may read any contact of the portal.
    async fn can_read_any(&self) -> Result<bool, DrainFailure> {
        let family = self.portal.contacts();
        let first = contacts::walk(family, 0, None);
        let reply = self.portal.call(&first, Repeat::Freely).await?;
        Ok(!contacts::read_list(family, reply.result, None)?.is_empty())
    }

    /// What a problem with one contact means for it.
    pub(super) async fn meet(
        &mut self,
        pass: &mut Pass,
        item: Item,
        problem: Problem,
    ) -> Result<(), DrainFailure> {
        match fate(problem) {
            Fate::Settled => self.settle(pass, item).await,
            Fate::LookAgain => self.stumble(pass, item).await,
            Fate::Parked(reason) => self.park(pass, item, &reason).await,
            Fate::Blocked => self.reads_blocked(pass, vec![item]).await,
            Fate::Everybody(problem) => Err(problem.into()),
        }
    }
}
