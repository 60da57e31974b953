<?php
// What PHP itself does to each line of standard input; see tests/portal/examples/php.rs.
while (($line = fgets(STDIN)) !== false) {
    [$operation, $input] = json_decode($line, true);
    $result = $input;
    switch ($operation) {
        case 'parse_str':
            parse_str($input, $result);
            break;
        case 'int':
            $result = (int)$input;
            break;
        case 'numeric':
            $result = is_numeric($input) ? (int)$input : null;
            break;
        case 'empty':
            $result = empty($input);
            break;
        case 'text':
            $result = is_array($input) ? null : (string)$input;
            break;
        case 'decode':
            $value = json_decode($input, true);
            $result = json_last_error() === JSON_ERROR_NONE ? [$value] : null;
            break;
    }
    echo json_encode($result), "\n";
}
