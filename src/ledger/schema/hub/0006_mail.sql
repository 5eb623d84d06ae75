-- What a mail says when something is well again: the words under which it was wrong.

ALTER TABLE mail_findings ADD COLUMN words_en TEXT NOT NULL DEFAULT '';
ALTER TABLE mail_findings ADD COLUMN words_ko TEXT NOT NULL DEFAULT '';
