//! Contacts, in the two families of methods that Bitrix24 has for them.
//!
//! `crm.item.*` is the one that the vendor develops: it sees contacts of every category, and refuses a
//! filter that it does not know. `crm.contact.*` is the older one, which every portal has; it sees
//! contacts of category 0 alone. Whoever reads or writes contacts takes the [`Family`] from the portal,
//! builds the call with [`calls`], and gets the same [`Contact`] from [`answers`] whichever it is. The
//! names of fields are ours throughout: `NAME`, `SECOND_NAME`, `LAST_NAME`.

mod answers;
mod calls;
mod contact;
mod family;
mod pair;

pub use answers::{expect_done, has_items, holds, read_list, read_one};
pub use calls::{
    PAGE, behind, get, guarded_get, guarded_update, page, proof, question, refuted_get, up_to,
    update, walk,
};
pub use contact::Contact;
pub use family::{Family, NAME_FIELDS};
pub use pair::Pair;
