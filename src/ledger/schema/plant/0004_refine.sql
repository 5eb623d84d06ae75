-- The refine rules of a tag: one line of name=value, told in docs/FORMATS.md; empty: none.
ALTER TABLE tags ADD COLUMN refine TEXT NOT NULL DEFAULT '' CHECK (length(refine) <= 4096);
