-- How long the roll-ups of a tag's expired samples stay. 0: the plant's rule.
ALTER TABLE tags ADD COLUMN rollup_days INTEGER NOT NULL DEFAULT 0 CHECK (rollup_days BETWEEN 0 AND 36525);
