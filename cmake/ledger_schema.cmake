# src/ledger/schema/{hub,plant}/NNNN_name.sql become one generated table of numbered migrations.
