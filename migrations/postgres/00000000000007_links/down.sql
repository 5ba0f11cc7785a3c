DROP TABLE revoked_links;
DROP TABLE used_links;
DROP TABLE link_keys;
