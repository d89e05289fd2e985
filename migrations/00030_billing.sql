-- Billing: what an organization pays for, as last fetched from Stripe, the events that were applied, and what was reported and announced.

-- +goose Up
CREATE TABLE billing_accounts (
    organization_id      uuid PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    customer             text UNIQUE,                -- Stripe's id; null: there is none yet
    subscription         text NOT NULL DEFAULT '',   -- Stripe's id
    plan                 text NOT NULL DEFAULT 'free',
    yearly               boolean NOT NULL DEFAULT false,
    state                text NOT NULL DEFAULT '',   -- Stripe's word; empty: no subscription yet
    period_end           timestamptz,
    trial_end            timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    grace_until          timestamptz,                -- until when a failed payment changes nothing
    checkout             text NOT NULL DEFAULT '',   -- Stripe's id of the only checkout that can still be paid
    trial_used           boolean NOT NULL DEFAULT false,
    agreed_plan          text NOT NULL DEFAULT '',   -- given by the operator; stands above the subscription
    kept_days            integer NOT NULL DEFAULT 0, -- of the timeline, by a larger plan than today's, until kept_until
    kept_until           timestamptz,
    looked_at            timestamptz NOT NULL DEFAULT '-infinity', -- when a pass last took its turn to fetch the state
    updated_at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX billing_accounts_looked_at ON billing_accounts (looked_at) WHERE customer IS NOT NULL;

-- One row for each event that was answered with 2xx, in the transaction of its effect.
CREATE TABLE billing_events (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    type        text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('applied', 'unknown type', 'unknown customer', 'other mode')),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX billing_events_received_at ON billing_events (received_at);

CREATE TABLE billing_invoices (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              text NOT NULL,          -- Stripe's
    number          text NOT NULL,
    status          text NOT NULL,          -- Stripe's word
    total           bigint NOT NULL,        -- in the currency's smallest unit
    currency        text NOT NULL,
    url             text NOT NULL,          -- page of the invoice at Stripe
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- Usage on its way to Stripe. A row is made before it is sent; its identifier makes sending it again harmless.
CREATE TABLE billing_reports (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    month           date NOT NULL CHECK (month = date_trunc('month', month)::date),
    sequence        integer NOT NULL,
    value           bigint NOT NULL CHECK (value > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    PRIMARY KEY (organization_id, month, sequence)
);

-- How many connected users the largest plan of a month included: who takes a smaller one pays for nobody who was included before.
CREATE TABLE billing_months (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    month           date NOT NULL CHECK (month = date_trunc('month', month)::date),
    included        bigint NOT NULL,
    PRIMARY KEY (organization_id, month)
);

-- What was announced of a month: each once.
CREATE TABLE billing_notices (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    month           date NOT NULL,
    notice          text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, month, notice)
);

-- A project that is gone still counts for its organization.
CREATE TABLE deleted_projects (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id              uuid NOT NULL,
    slug            text NOT NULL,
    deleted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);

-- +goose StatementBegin
DO $$ BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON billing_accounts, billing_events, billing_invoices, billing_months, billing_reports, billing_notices, deleted_projects TO mcpauth_app;
    GRANT DELETE ON connected_users TO mcpauth_app;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1 / 0; -- forward only
