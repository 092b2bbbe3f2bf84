SELECT time, action, outcome, actor, address, region, resource
FROM {table}
WHERE {column} = '{value}'
ORDER BY time
