//! Stage 3, act: findings, routes, channels, runbooks. It never reads the lake.
//! It comes with the findings issue; nothing here yet.
