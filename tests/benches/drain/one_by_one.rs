//! What one would write instead: take an event, get its contact, update it, acknowledge; one call
//! after another. It keeps to the request rate, and guards nothing.

use std::sync::Arc;

use b24_tidyd::{
    bitrix::{
        contacts,
        events::{self, ContactEvent, RowIds},
    },
    clock::Clock,
    config::PortalConfig,
    contact::changes,
    names::Engine,
    portal::{Patience, Portal, Repeat},
};

use crate::{edit, usual, world::World};

/// Events fetched at once; the method's default.
const PAGE: u32 = 50;

/// Requests and simulated seconds for so many events.
pub(crate) async fn drain(contacts: u64) -> (u64, f64) {
    let world = World::with(usual).await.bound().await;
    edit(&world.portal, contacts);
    world.advance(5.0);
    let (start, before) = (world.clock.now(), world.portal.request_count());
    let config: Arc<PortalConfig> = Arc::new(world.config.clone());
    let patience = Patience {
        longest_wait: 3600.0,
    };
    let context = world.context.clone();
    let portal = Portal::open(context, config.clone(), &world.record(), patience)
        .await
        .unwrap();
    let engine = Engine::new(config.names.clone());
    while drain_page(&portal, &engine).await > 0 {}
    assert_eq!(world.portal.queue().len(), 0);
    let seconds = world.clock.now().duration_since(start).as_secs_f64();
    (world.portal.request_count() - before, seconds)
}

async fn drain_page(portal: &Portal, engine: &Engine) -> usize {
    let family = portal.contacts();
    let get = events::reserve(ContactEvent::Update.as_str(), PAGE, false);
    let reply = portal.call(&get, Repeat::Never).await.unwrap();
    let page = events::read_page(reply.result).unwrap();
    for row in &page.rows {
        let id = row.subject.unwrap();
        let reply = portal
            .call(&contacts::get(family, id), Repeat::Freely)
            .await
            .unwrap();
        let contact = contacts::read_one(family, &reply.result, None).unwrap();
        let value_of =
            |field: b24_tidyd::names::Field| contact.fields.get(field.as_str()).map(String::as_str);
        let fields: Vec<(&'static str, String)> =
            changes(engine, &portal.config.fields, value_of, |_, _| false)
                .into_iter()
                .map(|change| (change.field.as_str(), change.new))
                .collect();
        if !fields.is_empty() {
            let update = contacts::update(family, id, &fields);
            portal.call(&update, Repeat::Never).await.unwrap();
        }
    }
    let ids = page.rows.iter().map(|row| row.id).collect();
    if let (Some(process), Some(rows)) = (&page.process_id, RowIds::new(ids)) {
        let acknowledge = events::acknowledge(process, &rows);
        portal.call(&acknowledge, Repeat::Freely).await.unwrap();
    }
    page.rows.len()
}
