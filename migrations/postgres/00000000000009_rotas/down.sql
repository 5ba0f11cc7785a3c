DROP TABLE rota_entries;
DROP TABLE rotas;
DROP TABLE team_members;
DROP TABLE teams;
