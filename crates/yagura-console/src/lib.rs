//! Stage 4, show: pages, api, auth. It never calls AWS and never acts; it writes intents.
//! It comes with the console issue; nothing here yet.
