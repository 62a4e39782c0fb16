"""Many punches at many sites, put into a database as they stand: for questions of size, not of seals."""

from __future__ import annotations

from datetime import date

from sites import Place


def fill(place: Place, *, sites: int, people: int, days: int, last: date, punches: int = 4) -> int:
    """People who come and go on every day, at each site; how many punches.

    Args:
        place: a database; `main` is one of the sites.
        sites, people, days: how many, people and days of each site.
        last: the last of the days.
        punches: of each person and day.
    """
    for number in range(1, sites):
        place.add_site(f"site-{number}")
    place.ask("ALTER TABLE muster.attendance DISABLE TRIGGER USER")
    place.ask(
        """
        INSERT INTO muster.people (site, employee_id, name, department, email, enrolled_at, consent_at, active)
        SELECT site, 'E' || n, 'Person ' || n, 'Department ' || n %% 8, '', '2024-01-01T00:00:00+00:00', '', true
        FROM muster.sites, generate_series(1, %s) n
        """,
        people,
    )
    place.ask(
        """
        INSERT INTO muster.attendance (site, day, recorder, position, row_id, c_event_id, c_timestamp, c_employee_id, c_event, c_camera,
            c_method, c_track, c_agreeing_frames, c_voting_frames, c_similarity, c_threshold, c_model, c_direction, seal)
        SELECT site, day, 'gate', position, id, id, to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '+00:00', 'E' || person, 'punch',
            'gate', 'face', 't' || position, '4', '5', '0.81', '0.56', 'facenet', 'both', ''
        FROM (
            SELECT site, day, person, (number - 1) * %(people)s + person AS position,
                to_char(day, 'YYYYMMDD') || '-' || site || '-' || ((number - 1) * %(people)s + person) AS id,
                day + interval '8 hours' + (number - 1) * interval '2 hours 40 minutes' + person * interval '7 seconds' AS moment
            FROM muster.sites, generate_series(%(last)s::date - %(days)s + 1, %(last)s::date, interval '1 day') day,
                generate_series(1, %(people)s) person, generate_series(1, %(punches)s) number
        ) rows
        ORDER BY day, moment
        """.replace("%(people)s", str(int(people)))
        .replace("%(days)s", str(int(days)))
        .replace("%(punches)s", str(int(punches)))
        .replace("%(last)s", f"'{last.isoformat()}'"),
    )
    place.ask(
        """
        INSERT INTO muster.chains (site, log, day, recorder, rows, number)
        SELECT site, 'attendance', day, recorder, max(position), max(position) FROM muster.attendance GROUP BY site, day, recorder
        """
    )
    place.ask("ALTER TABLE muster.attendance ENABLE TRIGGER USER")
    place.ask("ANALYZE")
    count = place.ask("SELECT count(*) FROM muster.attendance")[0][0]
    assert isinstance(count, int)
    return count
