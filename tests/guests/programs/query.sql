-- SPDX-License-Identifier: GPL-2.0-or-later
-- A database of made-up sales: joins, window functions, common table expressions, floats, text, dates, JSON, full-text
-- search, triggers, transactions, and the file's integrity. No result depends on the time or on chance.
.bail on
PRAGMA journal_mode = WAL;
PRAGMA page_size = 4096;
CREATE TABLE town (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, x REAL, y REAL);
CREATE TABLE sale (id INTEGER PRIMARY KEY, town INTEGER REFERENCES town, day TEXT, amount REAL, goods TEXT);
CREATE TABLE note (said TEXT);
CREATE INDEX sale_by_town ON sale (town, day);
CREATE TRIGGER large AFTER INSERT ON sale WHEN new.amount > 995 BEGIN INSERT INTO note VALUES ('sale ' || new.id); END;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO town SELECT i, 'town ' || char(65 + i % 26) || i, (i * 7919 % 1000) / 7.0, (i * 104729 % 1000) / 3.0 FROM n;
WITH RECURSIVE n(i, r) AS (SELECT 1, 12345 UNION ALL SELECT i + 1, (r * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 5000)
    INSERT INTO sale SELECT i, 1 + r / 65536 % 40, date('2001-01-01', '+' || (r / 1024 % 3000) || ' days'), (r % 1000003) / 1000.003,
        CASE r / 4096 % 4 WHEN 0 THEN 'salt' WHEN 1 THEN 'iron' WHEN 2 THEN 'cloth' ELSE 'oil' END FROM n;
COMMIT;
SELECT count(*), sum(amount), avg(amount), min(day), max(day), total(amount * amount) FROM sale;
SELECT goods, count(*), printf('%.10f', sum(amount)), group_concat(DISTINCT substr(day, 1, 4)) FROM sale GROUP BY goods ORDER BY goods;
SELECT t.name, s.n, round(s.total, 4) FROM town t JOIN (SELECT town, count(*) n, sum(amount) total FROM sale GROUP BY town) s
    ON s.town = t.id ORDER BY s.total DESC LIMIT 5;
SELECT a.name, b.name, sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)) AS d FROM town a JOIN town b ON a.id < b.id ORDER BY d LIMIT 4;
SELECT day, amount, sum(amount) OVER (ORDER BY id ROWS 9 PRECEDING), rank() OVER (PARTITION BY goods ORDER BY amount DESC),
    ntile(7) OVER (ORDER BY amount), lag(amount, 3) OVER (ORDER BY id) FROM sale ORDER BY id LIMIT 6 OFFSET 3000;
SELECT strftime('%Y-%W', day) AS week, percent_rank() OVER (ORDER BY sum(amount)) AS p FROM sale GROUP BY week ORDER BY p DESC LIMIT 3;
SELECT exp(1), ln(10), pow(2, 0.5), sin(1), atan2(1, -2), 1e308 * 10, -1e308 * 10, 0.1 + 0.2, 9007199254740993, 1e15 / 3, 5e-324, 123456789012345678901234567890;
SELECT typeof(9223372036854775807 + 1), 9223372036854775807 / 3, -9223372036854775807 % 1000, 1 << 40, ~5, 7.0 / 2, 7 / 2, CAST('12.75x' AS REAL);
SELECT count(*), min(said), max(said) FROM note;
SELECT json_extract('{"a":[1,2.5,{"b":"c"}]}', '$.a[1]'), json_group_array(round(x, 3)) FROM (SELECT x FROM town ORDER BY id LIMIT 5);
SELECT upper('straße'), length('żółw'), hex('héllo'), instr('penumbra', 'umb'), 'abc' LIKE 'A_C', 'abc' GLOB 'a*', quote(x'00ff');
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words SELECT name || ' sells ' || goods FROM sale JOIN town ON town.id = sale.town WHERE sale.id % 10 = 0;
SELECT count(*), printf('%.6f', max(rank)) FROM words WHERE words MATCH 'iron AND town';
UPDATE sale SET amount = amount * 1.1 WHERE id % 3 = 0;
DELETE FROM sale WHERE id % 7 = 0;
SAVEPOINT a; DELETE FROM sale; ROLLBACK TO a; RELEASE a;
SELECT count(*), printf('%.12f', sum(amount)) FROM sale;
SELECT hex(sum(amount)) FROM sale WHERE town IN (SELECT id FROM town WHERE x > y);
EXPLAIN QUERY PLAN SELECT * FROM sale WHERE town = 3 AND day > '2004-01-01';
VACUUM;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
PRAGMA page_count;
