//! What other programs do to the queue behind the client's back.

use crate::data::queue::OUR_APP;
use crate::portal::Portal;

impl Portal {
    /// Another program of the same application clears rows, whoever reserved them.
    pub fn clear_rows_elsewhere(&self, ids: &[u64]) {
        let mut state = self.shared.state();
        for id in ids {
            state.queue.remove(*id);
        }
    }

    /// Another program reserves rows; answers its process id. Rows that it cannot have (reserved,
    /// parked, another application's) stay as they are.
    pub fn reserve_rows_elsewhere(&self, ids: &[u64]) -> String {
        let mut state = self.shared.state();
        let process = state.chance.process_id();
        for id in ids {
            let row = state.queue.row(*id).map(|stored| &stored.row);
            let free = row.is_some_and(|row| {
                row.app_id == OUR_APP && row.process_id.is_empty() && !row.error
            });
            if free {
                state.queue.move_to(*id, &process, false);
            }
        }
        process
    }

    /// Another program parks rows (`event.offline.error`), whoever reserved them.
    pub fn park_rows_elsewhere(&self, ids: &[u64]) {
        let mut state = self.shared.state();
        for id in ids {
            state.queue.move_to(*id, "", true);
        }
    }
}
