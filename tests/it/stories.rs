//! Stories in the trade's words, each on both databases.

mod applied_terms;
mod chosen_terms;
mod cut;
mod edits;
mod encrypted;
mod explained;
mod go_lives;
mod handovers;
mod ladders;
mod lanes;
mod late;
mod metrics;
mod own_letters;
mod path;
mod peers;
mod peers_ladders;
mod peers_letters;
mod peers_reports;
mod policies;
mod post;
mod postbox;
mod refused;
mod replies;
mod rotas;
mod webhooks;
mod zone_data;
