-- The partnership (a borough's MACE), its agencies, and the ground it works on.
SET ROLE placewise_owner;

CREATE TABLE placewise.partnership (
    partnership_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL CONSTRAINT partnership_slug_shape CHECK (slug ~ '^[a-z0-9-]{2,40}$'),
    name text NOT NULL,
    synthetic boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX partnership_slug_once ON placewise.partnership (slug);

CREATE TABLE placewise.agency (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    agency_id uuid NOT NULL DEFAULT gen_random_uuid(),
    code text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    PRIMARY KEY (partnership_id, agency_id),
    CONSTRAINT agency_code_once UNIQUE (partnership_id, code)
);

CREATE TABLE placewise.boundary (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    boundary_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    vintage integer NOT NULL CONSTRAINT boundary_vintage_year CHECK (vintage BETWEEN 1900 AND 2100),
    geom public.geometry(MultiPolygon, 27700) NOT NULL CONSTRAINT boundary_geometry_valid CHECK (public.ST_IsValid(geom)),
    import_batch_id uuid,
    import_row integer,
    PRIMARY KEY (partnership_id, boundary_id),
    CONSTRAINT boundary_once UNIQUE (partnership_id, kind, code, vintage)
);
CREATE INDEX boundary_geom ON placewise.boundary USING gist (geom);

CREATE TABLE placewise.street (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    street_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    street_class text NOT NULL DEFAULT 'minor',
    geom public.geometry(MultiLineString, 27700) NOT NULL,
    import_batch_id uuid,
    import_row integer,
    PRIMARY KEY (partnership_id, street_id)
);
CREATE INDEX street_geom ON placewise.street USING gist (geom);

-- What the base map shows besides streets: parks, water, stations, schools, shops.
CREATE TABLE placewise.feature (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    feature_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    name text NOT NULL DEFAULT '',
    geom public.geometry(Geometry, 27700) NOT NULL CONSTRAINT feature_geometry_valid CHECK (public.ST_IsValid(geom)),
    import_batch_id uuid,
    import_row integer,
    PRIMARY KEY (partnership_id, feature_id)
);
CREATE INDEX feature_geom ON placewise.feature USING gist (geom);

GRANT REFERENCES, SELECT ON placewise.agency, placewise.partnership TO placewise_guard;
RESET ROLE;

ALTER TABLE guard.membership
    ADD CONSTRAINT membership_agency FOREIGN KEY (partnership_id, agency_id) REFERENCES placewise.agency;
