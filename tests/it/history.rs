//! `history`: every write, and the ways to look at it.

use crate::world::World;

/// Two drains a day apart.
async fn world_with_a_past() -> World {
    let world = World::new().await.bound().await;
    world.portal.add_contact("anna", "", "MCDONALD");
    world.advance(5.0);
    world.pass().await.unwrap();
    world.advance(86_400.0);
    world
        .portal
        .add_contact("=cmd|' /c calc'!a0", "", "O\"NEILL, jr");
    world.portal.add_contact("bob", "", "");
    world.advance(5.0);
    world.pass().await.unwrap();
    world
}

#[tokio::test]
async fn every_write_stands_there_with_its_reason() {
    let world = world_with_a_past().await;
    let answer = world.says("history --json").await;
    let lines = answer.json();
    // Newest first.
    assert_eq!(lines.last().unwrap()["contact_id"], 1);
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "at",
            "run",
            "kind",
            "confirmed",
            "contact_id",
            "field",
            "old",
            "new",
            "rule"
        ]
    );
    let first = world
        .says("history --contact 1 --rule mc --json")
        .await
        .json();
    assert_eq!(first.len(), 1);
    assert_eq!(
        (&first[0]["field"], &first[0]["old"], &first[0]["new"]),
        (&"LAST_NAME".into(), &"MCDONALD".into(), &"McDonald".into())
    );
    assert_eq!(first[0]["kind"], "drain");
}

#[tokio::test]
async fn it_is_filtered_by_time_run_and_rule() {
    let world = world_with_a_past().await;
    let count = async |line: &str| {
        world
            .says(&format!("history --json {line}"))
            .await
            .json()
            .len()
    };
    let all = count("").await;
    let old = count("--until 1h").await;
    assert_eq!(old, 2);
    assert_eq!(count("--since 1h").await, all - old);
    assert_eq!(count("--since 1970-01-01 --until 1h").await, old);
    let run = world.says("history --contact 1 --json").await.json()[0]["run"].clone();
    assert_eq!(count(&format!("--run {run}")).await, old);
    assert_eq!(count("--rule no_such_rule").await, 0);
    assert_eq!(
        world.says("history --rule no_such_rule").await.out,
        "no such change\n"
    );
}

#[tokio::test]
async fn a_spreadsheet_neither_breaks_nor_runs_names() {
    let world = World::new().await.bound().await;
    world.portal.add_contact("=anna", "", "O\"NEILL, ANNA");
    world.advance(5.0);
    world.pass().await.unwrap();
    let answer = world.says("history --csv").await;
    let mut lines = answer.out.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("at,run,kind,confirmed,contact_id,field,old,new,rule")
    );
    for line in lines.filter(|line| !line.is_empty()) {
        assert!(!line.contains(",="), "{line}");
        // To the second, as everywhere else.
        let at = line.split(',').next().unwrap();
        assert_eq!(at.len(), "2026-01-05T10:00:00Z".len(), "{line}");
    }
}

#[tokio::test]
async fn people_read_it_in_eighty_columns() {
    let world = World::new().await.bound().await;
    world
        .portal
        .add_contact("anna", "", &"FEATHERSTONEHAUGH ".repeat(2));
    world.advance(5.0);
    world.pass().await.unwrap();
    let answer = world.says("history").await;
    answer.assert_fits();
    assert!(answer.out.contains(", drain (run "), "{}", answer.out);
    assert!(
        answer
            .out
            .contains("  NAME         \"anna\" -> \"Anna\"  (title-case)\n")
    );
}
